/** The states of the service of the last minutes, kept in the page, and the curves and increases in them. */
import type { paths } from '../api/schema.gen';
import { MINUTE_US, SECOND_US, type TimeUs } from '../time/moment';

/** The answer of `GET /service`. */
export type ServiceState = paths['/api/v1/service']['get']['responses'][200]['content']['application/json'];

/** State of the service at a moment of this computer. */
export interface Sample {
  atUs: TimeUs;
  state: ServiceState;
}

/** Span of time that the page keeps. */
export const SPAN_US = 10 * MINUTE_US;
/** Shortest span of time that a curve shows, so that it is legible soon after the page was opened. */
const SHOWN_US_MIN = MINUTE_US;
/** Number of samples that the page keeps: one every two seconds. */
export const SAMPLES_MAX = 300;
/** Neighbours that are further apart are not connected: the page was hidden, or the server did not answer. */
export const GAP_US = 10 * SECOND_US;

/** Point of a curve; `value` is `null` where the value is not known. */
export interface Point {
  atUs: TimeUs;
  value: number | null;
}

/** Returns a number of a state; `null` if the service does not know it. */
export type Pick = (state: ServiceState) => number | null;

/** Returns the history with a further sample, without samples that are too old or too many. */
export function append(history: readonly Sample[], sample: Sample): readonly Sample[] {
  // A clock that was set back would put new samples before old ones.
  const kept = history.filter((old) => old.atUs < sample.atUs && old.atUs >= sample.atUs - SPAN_US);
  return [...kept, sample].slice(-SAMPLES_MAX);
}

/** Returns the curve of a number. */
export function curveOf(history: readonly Sample[], pick: Pick): Point[] {
  return history.map(({ atUs, state }) => ({ atUs, value: pick(state) }));
}

/** Returns the curve of the increase of a total per second. Totals begin with 0 when the service starts. */
export function rateCurveOf(history: readonly Sample[], pickTotal: Pick): Point[] {
  return history.map((sample, index) => {
    const before = history[index - 1];
    const grown = before === undefined ? null : growth(before, sample, pickTotal);
    const seconds = (sample.atUs - (before?.atUs ?? 0)) / SECOND_US;
    return { atUs: sample.atUs, value: grown === null ? null : grown / seconds };
  });
}

/** Returns the increase of a total in the history; increases before a restart count, too. */
export function increaseOf(history: readonly Sample[], pickTotal: Pick): number {
  let sum = 0;
  history.forEach((sample, index) => {
    const before = history[index - 1];
    if (before === undefined) return;
    // The process has restarted: everything that it has counted is new.
    sum += growth(before, sample, pickTotal) ?? Math.max(pickTotal(sample.state) ?? 0, 0);
  });
  return sum;
}

/** Returns the increase between two samples; `null` if the process has restarted between them. */
function growth(before: Sample, after: Sample, pickTotal: Pick): number | null {
  const [low, high] = [pickTotal(before.state), pickTotal(after.state)];
  if (low === null || high === null) return null;
  return before.state.started_at === after.state.started_at && high >= low ? high - low : null;
}

/** Returns the curve as paths of SVG in a box, one for each part without a gap. Time ends at the right edge. */
export function pathsOf(
  points: readonly Point[],
  box: { width: number; height: number },
  maximum: number,
): string[] {
  const untilUs = points.at(-1)?.atUs ?? 0;
  const shownUs = Math.max(untilUs - (points[0]?.atUs ?? 0), SHOWN_US_MIN);
  const paths: string[] = [];
  let lastUs = Number.NEGATIVE_INFINITY;
  for (const { atUs, value } of points) {
    if (value === null) {
      lastUs = Number.NEGATIVE_INFINITY;
      continue;
    }
    const x = round(box.width * (1 - (untilUs - atUs) / shownUs));
    const y = round(box.height * (1 - (maximum > 0 ? value / maximum : 0)));
    if (atUs - lastUs > GAP_US) paths.push(`M${x} ${y}h0`);
    else paths[paths.length - 1] += `L${x} ${y}`;
    lastUs = atUs;
  }
  return paths;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Returns the largest value of a curve; 0 if it has none. */
export function maximumOf(points: readonly Point[]): number {
  return points.reduce((most, { value }) => Math.max(most, value ?? 0), 0);
}
