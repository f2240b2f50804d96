/** Requests in turns: of many, only a few run at a time. */

/** Runs at most `max` tasks at a time, in the order in which they were given. */
export class Turns {
  #running = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** Runs a task when it is its turn. An aborted task that still waits gives up its turn. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running >= this.#max) {
      await new Promise<void>((resolve, reject) => {
        const begin = (): void => {
          signal.removeEventListener('abort', leave);
          // Taken here, so that no other task takes this turn before the caller goes on.
          this.#running += 1;
          resolve();
        };
        const leave = (): void => {
          this.#waiting.splice(this.#waiting.indexOf(begin), 1);
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', leave, { once: true });
        this.#waiting.push(begin);
      });
    } else this.#running += 1;
  }
}
