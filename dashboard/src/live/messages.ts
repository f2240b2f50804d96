/** The messages between a tab and the owner of the streams, which is a shared worker or the tab itself. */

/** A reading as it was committed. */
export interface LiveReading {
  deviceId: string;
  timeUs: number;
  x: number;
  y: number;
  z: number;
}

/**
 * `connecting`: no reading arrives yet. `live`: readings arrive. `lost`: the connection failed; it is tried again.
 * `ended`: the server refuses the stream, for example because the device was deleted or the session has ended.
 */
export type StreamState = 'connecting' | 'live' | 'lost' | 'ended';

/** A message of a tab. Streams are named by their address. */
export type FromTab =
  | { kind: 'subscribe'; address: string; isHidden: boolean }
  | { kind: 'unsubscribe'; address: string }
  /** The readings of the last message were taken. The next ones can be sent. */
  | { kind: 'taken'; address: string }
  | { kind: 'visibility'; isHidden: boolean }
  /** The network may work again. */
  | { kind: 'retry' }
  /** The answer to `ping`. */
  | { kind: 'alive' }
  | { kind: 'leave' };

/** A message to a tab. */
export type ToTab =
  | { kind: 'readings'; address: string; readings: LiveReading[] }
  /** `status` is the HTTP status of a refusal, otherwise `null`. */
  | { kind: 'state'; address: string; state: StreamState; status: number | null }
  | { kind: 'ping' }
  /** The tab did not answer and was forgotten. If it is still open, it has to subscribe again. */
  | { kind: 'dropped' };
