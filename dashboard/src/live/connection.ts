/** Connections to the live endpoints, read with `fetch`, which shows the HTTP status of a refusal. */
import { momentOfApi } from '../time/moment';
import { EventParser, type StreamEvent } from './events';
import type { LiveReading } from './messages';
import type { Ending } from './stream';
import type { Streams, Transport } from './streams';

type Reports = Pick<Streams, 'opened' | 'received' | 'closed'>;

/** Returns the transport whose connections report to `reports()`. */
export function fetchTransport(reports: () => Reports): Transport {
  const open = new Map<number, AbortController>();
  return {
    open(connection, address, lastEventId) {
      const abort = new AbortController();
      open.set(connection, abort);
      void read(connection, address, lastEventId, abort.signal, reports).then((ending) => {
        // The rest of a response that cannot be read is not needed. A closed connection reports nothing.
        abort.abort();
        if (open.delete(connection)) reports().closed(connection, ending, performance.now());
      });
    },
    close(connection) {
      open.get(connection)?.abort();
      open.delete(connection);
    },
  };
}

async function read(
  connection: number,
  address: string,
  lastEventId: string | null,
  signal: AbortSignal,
  reports: () => Reports,
): Promise<Ending> {
  try {
    const headers = new Headers({ accept: 'text/event-stream' });
    if (lastEventId !== null) headers.set('last-event-id', lastEventId);
    const response = await fetch(address, { headers, signal, cache: 'no-store', credentials: 'same-origin' });
    if (!response.ok || !response.body) {
      void response.body?.cancel();
      return { kind: 'refused', status: response.status, retryAfterMs: retryAfterMs(response.headers) };
    }
    reports().opened(connection, performance.now());
    const parser = new EventParser();
    const chunks = response.body.getReader();
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    for (;;) {
      const { done, value } = await chunks.read();
      if (done) return { kind: 'complete' };
      const readings = readingsOf(parser.push(decoder.decode(value, { stream: true })));
      reports().received(connection, readings, parser.lastEventId, performance.now());
    }
  } catch {
    return { kind: 'failed' };
  }
}

/** Returns the seconds of the header `Retry-After` in milliseconds; `null` if it has none. */
function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 ? seconds * 1_000 : null;
}

/** Returns the readings of the events of a stream. Other events are ignored. */
export function readingsOf(events: readonly StreamEvent[]): LiveReading[] {
  return events.filter(({ type }) => type === 'reading').map(({ data }) => readingOf(data));
}

function readingOf(data: string): LiveReading {
  const { device_id, timestamp, x, y, z } = JSON.parse(data) as Record<string, unknown>;
  return {
    deviceId: String(device_id),
    timeUs: momentOfApi(String(timestamp)),
    x: Number(x),
    y: Number(y),
    z: Number(z),
  };
}
