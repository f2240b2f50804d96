/** The pace of requests that are repeated while the shown window follows the clock. */

/** A repeated request waits for this many times the duration of the previous one, so that it loads the server little. */
const PAUSE_FACTOR = 3;
const PAUSE_MIN_MS = 900;
const PAUSE_MAX_MS = 30_000;

type Task = () => Promise<unknown>;

/**
 * Runs tasks one after the other. A task that the viewer waits for runs at once; it has to abort the previous one. A task
 * that only follows the clock waits for the previous one and a pause, and the latest of several waiting tasks runs.
 */
export class Pacing {
  #running = 0;
  #waiting: Task | null = null;
  #pauseEnd: ReturnType<typeof setTimeout> | null = null;

  runNow(task: Task): void {
    this.stop();
    void this.#run(task);
  }

  runInTurn(task: Task): void {
    if (this.#running > 0 || this.#pauseEnd !== null) this.#waiting = task;
    else void this.#run(task);
  }

  /** Forgets the waiting task. */
  stop(): void {
    this.#waiting = null;
    if (this.#pauseEnd !== null) clearTimeout(this.#pauseEnd);
    this.#pauseEnd = null;
  }

  async #run(task: Task): Promise<void> {
    const startMs = performance.now();
    this.#running += 1;
    try {
      await task();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#pause(performance.now() - startMs);
    }
  }

  #pause(durationMs: number): void {
    const pauseMs = Math.min(Math.max(PAUSE_FACTOR * durationMs, PAUSE_MIN_MS), PAUSE_MAX_MS);
    this.#pauseEnd = setTimeout(() => {
      this.#pauseEnd = null;
      const task = this.#waiting;
      this.#waiting = null;
      if (task) void this.#run(task);
    }, pauseMs);
  }
}
