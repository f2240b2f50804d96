/** The subscriptions of one tab, and its messages to the owner of the streams. */
import type { FromTab, LiveReading, StreamState, ToTab } from './messages';

export interface Listener {
  /**
   * Takes committed readings, in the order of their commits: late readings come after readings with later times. After
   * a lost connection, some can come twice.
   */
  onReadings: (readings: readonly LiveReading[]) => void;
  /** Takes each change of the state. `status` is the HTTP status if the server refuses the stream, otherwise `null`. */
  onState: (state: StreamState, status: number | null) => void;
}

interface Entry {
  state: StreamState;
  status: number | null;
  listeners: Set<Listener>;
}

export class TabSubscriptions {
  readonly #post: (message: FromTab) => void;
  readonly #isHidden: () => boolean;
  readonly #entries = new Map<string, Entry>();

  constructor(post: (message: FromTab) => void, isHidden: () => boolean) {
    this.#post = post;
    this.#isHidden = isHidden;
  }

  /** Whether anything is watched. */
  get isUsed(): boolean {
    return this.#entries.size > 0;
  }

  /** Watches a stream. The listener is told the present state at once. Returns the function that ends this. */
  subscribe(address: string, { onReadings, onState }: Listener): () => void {
    const listener = { onReadings, onState };
    const known = this.#entries.get(address);
    const entry = known ?? { state: 'connecting', status: null, listeners: new Set<Listener>() };
    this.#entries.set(address, entry);
    entry.listeners.add(listener);
    onState(entry.state, entry.status);
    // An ended stream starts again.
    if (!known || known.state === 'ended') this.#announce(address);
    return () => {
      if (!entry.listeners.delete(listener) || entry.listeners.size > 0) return;
      this.#entries.delete(address);
      this.#post({ kind: 'unsubscribe', address });
    };
  }

  /** Subscribes to everything again, for an owner that does not know this tab. */
  announceAll(): void {
    for (const address of this.#entries.keys()) this.#announce(address);
  }

  receive(message: ToTab): void {
    if (message.kind === 'ping') this.#post({ kind: 'alive' });
    else if (message.kind === 'dropped') this.announceAll();
    else if (message.kind === 'state') this.#setState(message.address, message.state, message.status);
    else {
      try {
        const listeners = this.#entries.get(message.address)?.listeners ?? [];
        for (const { onReadings } of [...listeners]) onReadings(message.readings);
      } finally {
        this.#post({ kind: 'taken', address: message.address });
      }
    }
  }

  #announce(address: string): void {
    this.#post({ kind: 'subscribe', address, isHidden: this.#isHidden() });
  }

  #setState(address: string, state: StreamState, status: number | null): void {
    const entry = this.#entries.get(address);
    if (!entry || (entry.state === state && entry.status === status)) return;
    entry.state = state;
    entry.status = status;
    for (const { onState } of [...entry.listeners]) onState(state, status);
  }
}
