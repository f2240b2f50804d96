/** Data that a view loads: its value, whether it is loading, and its fault. */
import { isAbort } from './fault';

/**
 * The latest value of a request that is repeated when its inputs change. A new request aborts the previous one. The
 * value stays until the new one arrives, so that a view does not flicker; `isLoading` tells that it is outdated.
 */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  fault = $state.raw<unknown>(null);
  isLoading = $state(false);
  #running: AbortController | null = null;

  /** Sends a request. Returns whether its answer was taken. */
  async load(request: (signal: AbortSignal) => Promise<T>): Promise<boolean> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.isLoading = true;
    try {
      const value = await request(running.signal);
      if (this.#running !== running) return false;
      this.value = value;
      this.fault = null;
      return true;
    } catch (fault) {
      if (this.#running === running && !isAbort(fault)) this.fault = fault;
      return false;
    } finally {
      if (this.#running === running) {
        this.#running = null;
        this.isLoading = false;
      }
    }
  }

  /** Aborts the request and forgets the value. */
  clear(): void {
    this.#running?.abort();
    this.#running = null;
    this.value = null;
    this.fault = null;
    this.isLoading = false;
  }
}
