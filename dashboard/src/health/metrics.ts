/** The numbers of the service that have a curve: their names, their texts, and what is normal. */
import { countText, rateText } from '../shared/numbers';
import { curveOf, rateCurveOf, type Pick, type Point, type Sample } from './history';
import { bytesText, waitText } from './units';

export interface Metric {
  title: string;
  /** What the number means, and what is normal. */
  meaning: string;
  /** The number, or a total if `isTotal`. */
  pick: Pick;
  /** Whether the curve shows the increase of a total per second. */
  isTotal?: boolean;
  text: (value: number) => string;
}

export const METRICS: readonly Metric[] = [
  {
    title: 'Readings stored per second',
    meaning: 'Normal: as many as your devices send.',
    pick: (state) => state.readings.accepted_per_second,
    text: rateText,
  },
  {
    title: 'Requests per second',
    meaning: 'Normal: as many as your clients send.',
    pick: (state) => state.requests.per_second,
    text: rateText,
  },
  {
    title: 'Wait in the queue',
    meaning: 'Readings wait here until they are on the disk. Normal: less than 50 ms.',
    pick: (state) => state.queue.wait_s,
    text: waitText,
  },
  {
    title: 'Readings in the queue',
    meaning: 'Normal: 0 to some thousands.',
    pick: (state) => state.queue.readings,
    text: countText,
  },
  {
    title: 'Hot readings',
    meaning: 'Stored and visible, not sealed yet. Normal: less than a million.',
    pick: (state) => state.readings.hot,
    text: countText,
  },
  {
    title: 'Failed requests per second',
    meaning: 'Because of faults of the service (status 5xx except 503). Normal: 0.',
    pick: (state) => state.requests.server_errors_total,
    isTotal: true,
    text: rateText,
  },
  {
    title: 'Refused requests per second',
    meaning:
      'Too many arrived at once, a client exceeded its rate, or the database did not answer. Normal: 0.',
    pick: (state) => state.requests.refused_total,
    isTotal: true,
    text: rateText,
  },
  {
    title: 'Memory of the process',
    meaning: 'Normal: it grows until the cache is full, then stays.',
    pick: (state) => state.memory.resident_bytes ?? null,
    text: bytesText,
  },
  {
    title: 'Size of the database',
    meaning: 'Normal: it grows by 6 to 15 bytes for each sealed reading.',
    pick: (state) => state.disk.database_bytes,
    text: bytesText,
  },
];

/** Returns the curve of a metric. */
export function curveOfMetric(metric: Metric, history: readonly Sample[]): Point[] {
  return metric.isTotal ? rateCurveOf(history, metric.pick) : curveOf(history, metric.pick);
}

/** Returns the present value of a metric as text; a dash if it is not known. */
export function textOfMetric(metric: Metric, curve: readonly Point[]): string {
  const value = curve.at(-1)?.value ?? null;
  return value === null ? '–' : metric.text(value);
}
