/** Data of the shown window, which is requested again when the window or another input changes. */
import { Loaded } from '../api/loaded.svelte';
import { Pacing } from './pacing';

export class Repeated<T> {
  readonly loaded = new Loaded<T>();
  readonly #pacing = new Pacing();
  #lastKey: string | null = null;

  /**
   * Requests the data. `key` has all inputs except the window. If only a window that follows the clock has moved on, the
   * request waits for its turn; otherwise it runs at once and aborts the previous one. Without `load`, there is no data.
   */
  request(key: unknown, isFollowing: boolean, load: ((signal: AbortSignal) => Promise<T>) | null): void {
    const text = JSON.stringify(key);
    const isMove = isFollowing && text === this.#lastKey;
    this.#lastKey = text;
    if (!load) return this.stop();
    const task = () => this.loaded.load(load);
    if (isMove) this.#pacing.runInTurn(task);
    else this.#pacing.runNow(task);
  }

  /** Aborts the request and forgets the data. */
  stop(): void {
    this.#pacing.stop();
    this.loaded.clear();
  }
}
