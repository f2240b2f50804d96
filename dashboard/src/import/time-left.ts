/** The time left of an import, from the progress of the last seconds. */

/** Time that the estimate looks back, in milliseconds. */
const SPAN_MS = 20_000;
/** Time before the first estimate, in milliseconds. */
const FIRST_MS = 1_000;
/** Maximum number of remembered points. */
const POINTS_MAX = 200;

export class TimeLeft {
  #points: { ms: number; progress: number }[] = [];

  /** Notes the progress at a time. */
  note(ms: number, progress: number): void {
    const last = this.#points.at(-1);
    if (last && ms - last.ms < SPAN_MS / POINTS_MAX) return;
    this.#points.push({ ms, progress });
    // The newest point before the span stays, so that a pause does not empty the list.
    while (this.#points.length > 2 && this.#points[1]!.ms <= ms - SPAN_MS) this.#points.shift();
  }

  /** Returns the time left in milliseconds; `null` if it is not known. */
  at(ms: number, progress: number): number | null {
    const first = this.#points[0];
    if (!first || ms - first.ms < FIRST_MS || progress <= first.progress) return null;
    return ((1 - progress) * (ms - first.ms)) / (progress - first.progress);
  }
}
