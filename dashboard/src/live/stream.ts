/** One stream of readings: its state, the tabs that watch it, and the readings that wait for them. */
import { RETRY_AFTER_MAX_MS, RETRY_PAUSE_MAX_MS, RETRY_PAUSE_MS, WAITING_READINGS_MAX } from './limits';
import type { LiveReading, StreamState } from './messages';

/** A tab that watches the stream. */
export class Watcher {
  /** The readings that the tab has not been sent yet, oldest first. */
  waiting: LiveReading[] = [];
  /** Whether the tab has not taken the last message yet. */
  isBusy = false;

  add(readings: readonly LiveReading[]): void {
    for (const reading of readings) this.waiting.push(reading);
    const excess = this.waiting.length - WAITING_READINGS_MAX;
    if (excess > 0) this.waiting.splice(0, excess);
  }

  /** Takes the waiting readings for a message; `null` if there are none or the tab is busy. */
  take(): LiveReading[] | null {
    if (this.isBusy || this.waiting.length === 0) return null;
    const readings = this.waiting;
    this.waiting = [];
    this.isBusy = true;
    return readings;
  }
}

/** How a connection ended. */
export type Ending =
  /** The server ended the response as HTTP requires. */
  | { kind: 'complete' }
  /** The connection failed, or there was none. */
  | { kind: 'failed' }
  /** The server refused the request with an HTTP status. */
  | { kind: 'refused'; status: number; retryAfterMs: number | null };

export class Stream {
  state: StreamState = 'connecting';
  /** HTTP status of the last refusal. */
  status: number | null = null;
  /** Number of the open connection. */
  connection: number | null = null;
  /** Id of the last event, for the next connection. */
  lastEventId: string | null = null;
  /** Failures without a success between them. */
  failures = 0;
  /** When the next connection may be opened. */
  retryAtMs = 0;
  /** When the connection was opened, and when something last arrived on it. */
  openedAtMs = 0;
  heardAtMs = 0;
  /** Since when all watching tabs have been hidden; `null` while one is visible. */
  hiddenSinceMs: number | null = null;
  readonly watchers = new Map<number, Watcher>();

  constructor(readonly address: string) {}

  /** Whether the stream needs a connection now. */
  wantsConnection(nowMs: number): boolean {
    return this.connection === null && this.state !== 'ended' && this.retryAtMs <= nowMs;
  }
}

/** Returns whether a later attempt can succeed although the server refused this one. */
export function isTemporary(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** Returns the pause before the next attempt. `random` is from 0 to 1. */
export function retryPauseMs(failures: number, retryAfterMs: number, random: number): number {
  const longest = Math.min(RETRY_PAUSE_MS * 2 ** Math.min(failures, 10), RETRY_PAUSE_MAX_MS);
  return Math.max(longest * (0.5 + random / 2), Math.min(retryAfterMs, RETRY_AFTER_MAX_MS));
}
