/**
 * The streams of all tabs: one for each subject, with a limited number of connections.
 *
 * This is a state machine without timers and without a network. Its owner calls `tick` about ten times per second,
 * passes the messages of tabs to `receive`, and the reports of connections to `opened`, `received` and `closed`.
 */
import {
  HIDDEN_MAX_MS,
  PING_INTERVAL_MS,
  SILENCE_MAX_MS,
  SUCCESS_MS,
  TAB_SUBJECTS_MAX,
  UNANSWERED_PINGS_MAX,
} from './limits';
import type { FromTab, LiveReading, StreamState, ToTab } from './messages';
import { isTemporary, retryPauseMs, Stream, Watcher, type Ending } from './stream';

export interface Transport {
  /** Opens a connection. Its reports name the number. */
  open(connection: number, address: string, lastEventId: string | null): void;
  /** Closes a connection. It reports nothing more. */
  close(connection: number): void;
}

interface Tab {
  isHidden: boolean;
  unanswered: number;
}

interface Options {
  connectionsMax: number;
  transport: Transport;
  post: (tab: number, message: ToTab) => void;
  /** A random number from 0 to 1. It spreads the attempts of many browsers after a restart of the server. */
  random?: () => number;
}

export class Streams {
  readonly #options: Options;
  readonly #random: () => number;
  readonly #tabs = new Map<number, Tab>();
  readonly #streams = new Map<string, Stream>();
  #connections = 0;
  #nextPingMs: number | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** Whether there is a tab, so that `tick` has to be called. */
  get isActive(): boolean {
    return this.#tabs.size > 0;
  }

  /** Takes a message of a tab. Its first subscription makes the tab known. */
  receive(id: number, message: FromTab, nowMs: number): void {
    if (message.kind === 'leave') return this.#forget(id, nowMs);
    let tab = this.#tabs.get(id);
    if (!tab) {
      // A forgotten tab subscribes again. Its other messages are answers to old ones.
      if (message.kind !== 'subscribe') return;
      tab = { isHidden: message.isHidden, unanswered: 0 };
      this.#tabs.set(id, tab);
    }
    tab.unanswered = 0;
    if (message.kind === 'subscribe') this.#subscribe(id, message.address);
    else if (message.kind === 'unsubscribe') this.#unsubscribe(id, message.address);
    else if (message.kind === 'visibility') tab.isHidden = message.isHidden;
    else if (message.kind === 'taken') this.#noteTaken(id, message.address);
    if (message.kind === 'retry' || (message.kind === 'visibility' && !message.isHidden)) this.#retryNow(id);
    this.#connect(nowMs);
  }

  /** The server accepted the request of a connection. */
  opened(connection: number, nowMs: number): void {
    const stream = this.#streamOf(connection);
    if (!stream) return;
    stream.heardAtMs = nowMs;
    this.#setState(stream, 'live', null);
  }

  /** Something arrived on a connection: readings, or only a sign of life. */
  received(connection: number, readings: readonly LiveReading[], lastEventId: string, nowMs: number): void {
    const stream = this.#streamOf(connection);
    if (!stream) return;
    stream.heardAtMs = nowMs;
    if (lastEventId !== '') stream.lastEventId = lastEventId;
    if (readings.length > 0) for (const watcher of stream.watchers.values()) watcher.add(readings);
  }

  /** A connection ended. */
  closed(connection: number, ending: Ending, nowMs: number): void {
    const stream = this.#streamOf(connection);
    if (!stream) return;
    stream.connection = null;
    if (ending.kind === 'refused' && !isTemporary(ending.status)) {
      this.#setState(stream, 'ended', ending.status);
    } else {
      const wasLive = stream.state === 'live';
      if (wasLive && nowMs - stream.openedAtMs >= SUCCESS_MS) stream.failures = 0;
      const retryAfterMs = ending.kind === 'refused' ? (ending.retryAfterMs ?? 0) : 0;
      stream.retryAtMs = nowMs + retryPauseMs(stream.failures, retryAfterMs, this.#random());
      stream.failures += 1;
      // The server ends streams of deleted devices and while it restarts. Only the next attempt shows a fault.
      const isExpected = ending.kind === 'complete' && wasLive;
      this.#setState(
        stream,
        isExpected ? 'connecting' : 'lost',
        ending.kind === 'refused' ? ending.status : null,
      );
    }
    this.#connect(nowMs);
  }

  /** Does everything that is due. */
  tick(nowMs: number): void {
    this.#ping(nowMs);
    for (const stream of this.#streams.values()) {
      const { connection } = stream;
      if (connection !== null && nowMs - stream.heardAtMs >= SILENCE_MAX_MS) {
        this.#options.transport.close(connection);
        this.closed(connection, { kind: 'failed' }, nowMs);
      }
      this.#noteHidden(stream, nowMs);
      for (const [tab, watcher] of stream.watchers) {
        const readings = watcher.take();
        if (readings) this.#options.post(tab, { kind: 'readings', address: stream.address, readings });
      }
    }
    this.#connect(nowMs);
  }

  #subscribe(id: number, address: string): void {
    const stream = this.#streams.get(address) ?? new Stream(address);
    if (!stream.watchers.has(id)) {
      const watched = [...this.#streams.values()].filter(({ watchers }) => watchers.has(id)).length;
      if (watched >= TAB_SUBJECTS_MAX) {
        this.#options.post(id, { kind: 'state', address, state: 'ended', status: null });
        return;
      }
      stream.watchers.set(id, new Watcher());
      this.#streams.set(address, stream);
    }
    // A new watcher starts an ended stream again: the viewer may have signed in meanwhile.
    if (stream.state === 'ended') {
      stream.failures = 0;
      stream.retryAtMs = 0;
      this.#setState(stream, 'connecting', null);
    } else {
      this.#options.post(id, { kind: 'state', address, state: stream.state, status: stream.status });
    }
  }

  #unsubscribe(id: number, address: string): void {
    const stream = this.#streams.get(address);
    if (!stream?.watchers.delete(id) || stream.watchers.size > 0) return;
    this.#release(stream);
    this.#streams.delete(address);
  }

  #forget(id: number, nowMs: number): void {
    this.#tabs.delete(id);
    for (const address of [...this.#streams.keys()]) this.#unsubscribe(id, address);
    this.#connect(nowMs);
  }

  #noteTaken(id: number, address: string): void {
    const watcher = this.#streams.get(address)?.watchers.get(id);
    if (watcher) watcher.isBusy = false;
  }

  /** Lets the streams of a tab connect without the rest of their pauses, unless the server asked for these. */
  #retryNow(id: number): void {
    for (const stream of this.#streams.values()) {
      if (stream.watchers.has(id) && stream.status === null) stream.retryAtMs = 0;
    }
  }

  #ping(nowMs: number): void {
    this.#nextPingMs ??= nowMs + PING_INTERVAL_MS;
    if (nowMs < this.#nextPingMs) return;
    this.#nextPingMs = nowMs + PING_INTERVAL_MS;
    // Counts questions, not time: after the computer slept, every tab gets the chance to answer.
    for (const [id, tab] of [...this.#tabs]) {
      const isClosed = tab.unanswered >= UNANSWERED_PINGS_MAX;
      this.#options.post(id, { kind: isClosed ? 'dropped' : 'ping' });
      if (isClosed) this.#forget(id, nowMs);
      else tab.unanswered += 1;
    }
  }

  #noteHidden(stream: Stream, nowMs: number): void {
    if (!this.#isHidden(stream)) stream.hiddenSinceMs = null;
    else stream.hiddenSinceMs ??= nowMs;
    if (stream.connection !== null && this.#isLongHidden(stream, nowMs)) this.#release(stream);
  }

  #isHidden(stream: Stream): boolean {
    return [...stream.watchers.keys()].every((id) => this.#tabs.get(id)?.isHidden ?? true);
  }

  #isLongHidden(stream: Stream, nowMs: number): boolean {
    return (
      stream.hiddenSinceMs !== null && this.#isHidden(stream) && nowMs - stream.hiddenSinceMs >= HIDDEN_MAX_MS
    );
  }

  /** Opens the due connections, for visible tabs first. */
  #connect(nowMs: number): void {
    const due = [...this.#streams.values()].filter(
      (stream) => stream.wantsConnection(nowMs) && !this.#isLongHidden(stream, nowMs),
    );
    const visible = due.filter((stream) => !this.#isHidden(stream));
    const hidden = due.filter((stream) => this.#isHidden(stream));
    for (const stream of visible) if (this.#makeRoom()) this.#open(stream, nowMs);
    for (const stream of hidden)
      if (this.#openCount() < this.#options.connectionsMax) this.#open(stream, nowMs);
  }

  /** Returns whether there is room for a connection. Closes one without a visible tab if necessary. */
  #makeRoom(): boolean {
    if (this.#openCount() < this.#options.connectionsMax) return true;
    const open = [...this.#streams.values()].filter(({ connection }) => connection !== null);
    const hidden = open.find((stream) => this.#isHidden(stream));
    if (!hidden) return false;
    this.#release(hidden);
    return true;
  }

  #open(stream: Stream, nowMs: number): void {
    this.#connections += 1;
    stream.connection = this.#connections;
    stream.openedAtMs = nowMs;
    stream.heardAtMs = nowMs;
    this.#options.transport.open(stream.connection, stream.address, stream.lastEventId);
  }

  /** Closes the connection of a stream. The stream keeps its last event, and gets the missed readings later. */
  #release(stream: Stream): void {
    if (stream.connection === null) return;
    this.#options.transport.close(stream.connection);
    stream.connection = null;
    this.#setState(stream, 'connecting', null);
  }

  #openCount(): number {
    return [...this.#streams.values()].filter(({ connection }) => connection !== null).length;
  }

  #streamOf(connection: number): Stream | undefined {
    return [...this.#streams.values()].find((stream) => stream.connection === connection);
  }

  #setState(stream: Stream, state: StreamState, status: number | null): void {
    if (stream.state === state && stream.status === status) return;
    stream.state = state;
    stream.status = status;
    for (const id of stream.watchers.keys()) {
      this.#options.post(id, { kind: 'state', address: stream.address, state, status });
    }
  }
}
