/** The requests for the samples of a window: buckets, or all readings where they fit on the screen. */
import { api, type Schema } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';
import type { Subject } from '../shared/subject';
import { momentOfApi, toRfc3339 } from '../time/moment';
import { AXES, type Axis } from '../view/view';
import { magnitude } from './magnitude';
import { NO_SAMPLES, readingsOf, type Column, type Samples } from './samples';
import { contains, windowBetween, type Window } from './window';

/** Up to this number of readings per pixel, all of them are drawn instead of buckets. */
const READINGS_PER_PIXEL_MAX = 3;
/** Limits of the parameter `points` of the service. */
const BUCKETS_MIN = 2;
const BUCKETS_MAX = 2_000;
const PATH_POINTS_MIN = 8;
const PATH_POINTS_MAX = 10_000;
/** The statistics that are drawn. The others would cost time. */
const STATISTICS: ('min' | 'max' | 'median' | 'count')[] = ['min', 'max', 'median', 'count'];
/** The service separates the entries of a list by commas. */
const querySerializer = { array: { style: 'form', explode: false } } as const;
/** Share of the time of all readings that stays free on both sides of them. */
const MARGIN = 0.02;

/** A wanted picture. */
export interface Wanted {
  subject: Subject;
  /** `null` for all readings. */
  window: Window | null;
  widthPx: number;
  zone: string;
  hasMagnitude: boolean;
}

/** The samples of a window, and the window itself. */
export interface Picture {
  samples: Samples;
  window: Window;
  /** Usual length of a bucket; without buckets, the time of a pixel. */
  bucketUs: number;
}

/** Returns the number of readings in a window, as far as samples tell; `null` if they do not contain the window. */
export function expectedReadings(picture: Picture | null, window: Window | null): number | null {
  if (
    !picture ||
    !window ||
    !contains(picture.window, window.fromUs) ||
    window.untilUs > picture.window.untilUs
  )
    return null;
  const { startsUs, endsUs, counts } = picture.samples;
  return counts.reduce((sum, count, i) => {
    const [startUs, endUs] = [startsUs[i]!, Math.max(endsUs[i]!, startsUs[i]! + 1)];
    const sharedUs = Math.min(endUs, window.untilUs) - Math.max(startUs, window.fromUs);
    return sharedUs > 0 ? sum + (count * sharedUs) / (endUs - startUs) : sum;
  }, 0);
}

/** Returns the largest number of readings that are drawn one by one. Only those of a single device can be. */
export function readingsMax({ subject, widthPx }: Wanted): number {
  if (!('deviceId' in subject)) return 0;
  return Math.min(Math.max(Math.floor(READINGS_PER_PIXEL_MAX * widthPx), PATH_POINTS_MIN), PATH_POINTS_MAX);
}

/**
 * Requests a picture. `expected` is the expected number of readings, if it is known: it decides which request comes
 * first, so that there is mostly one.
 */
export async function load(wanted: Wanted, expected: number | null, signal: AbortSignal): Promise<Picture> {
  const countMax = readingsMax(wanted);
  let readings = expected !== null && expected <= countMax ? await loadReadings(wanted, signal) : null;
  if (readings) return readings;
  const buckets = await loadBuckets(wanted, signal);
  const count = readingsOf(buckets.samples);
  if (count > 0 && count <= countMax) readings = await loadReadings(wanted, signal);
  return readings ?? buckets;
}

function queryOf(window: Window | null) {
  const period = window && { start_time: toRfc3339(window.fromUs), until: toRfc3339(window.untilUs) };
  return { ...period, ...IF_EMPTY };
}

/** Requests all readings; returns `null` if they are too many. */
async function loadReadings(wanted: Wanted, signal: AbortSignal): Promise<Picture | null> {
  if (!('deviceId' in wanted.subject)) return null;
  const params = {
    path: { device_id: wanted.subject.deviceId },
    query: { points: readingsMax(wanted), ...queryOf(wanted.window) },
  };
  const path = await dataUnlessEmpty(api.GET('/api/v1/stats/devices/{device_id}/path', { params, signal }));
  if (!path) return emptyPicture(wanted);
  if (path.thinned) return null;
  const samples = samplesOfPath(path, wanted.hasMagnitude);
  const [firstUs, lastUs] = [samples.startsUs[0] ?? 0, samples.startsUs.at(-1) ?? 0];
  const marginUs = Math.max((lastUs - firstUs) * MARGIN, 1e6);
  const window = wanted.window ?? windowBetween(firstUs - marginUs, lastUs + marginUs);
  return { samples, window, bucketUs: pixelUs(window, wanted.widthPx) };
}

async function loadBuckets(wanted: Wanted, signal: AbortSignal): Promise<Picture> {
  const { subject, widthPx, zone, hasMagnitude } = wanted;
  const query = {
    points: Math.min(Math.max(Math.floor(widthPx), BUCKETS_MIN), BUCKETS_MAX),
    stats: STATISTICS,
    timezone: zone,
    ...(hasMagnitude && { magnitude: true }),
    ...queryOf(wanted.window),
  };
  const series = await dataUnlessEmpty(
    'deviceId' in subject
      ? api.GET('/api/v1/stats/devices/{device_id}/series', {
          params: { path: { device_id: subject.deviceId }, query },
          querySerializer,
          signal,
        })
      : api.GET('/api/v1/stats/users/{user_id}/series', {
          params: { path: { user_id: subject.userId }, query },
          querySerializer,
          signal,
        }),
  );
  if (!series) return emptyPicture(wanted);
  const samples = samplesOfSeries(series, hasMagnitude);
  const [firstUs, endUs] = [samples.startsUs[0] ?? 0, samples.endsUs.at(-1) ?? 0];
  const lengthsUs = samples.startsUs.map((startUs, i) => samples.endsUs[i]! - startUs).sort((a, b) => a - b);
  return {
    samples,
    window: wanted.window ?? windowBetween(firstUs, endUs),
    bucketUs: lengthsUs[lengthsUs.length >> 1] ?? 1,
  };
}

function emptyPicture({ subject, window, widthPx, hasMagnitude }: Wanted): Picture {
  const nowUs = Date.now() * 1000;
  const shown = window ?? { fromUs: nowUs - 3_600e6, untilUs: nowUs };
  const kind = 'deviceId' in subject ? 'readings' : 'buckets';
  const axes = Object.fromEntries(axesOf(hasMagnitude).map((axis) => [axis, { low: [], mid: [], high: [] }]));
  return { samples: { ...NO_SAMPLES, kind, axes }, window: shown, bucketUs: pixelUs(shown, widthPx) };
}

function pixelUs({ fromUs, untilUs }: Window, widthPx: number): number {
  return Math.max(1, Math.ceil((untilUs - fromUs) / Math.max(widthPx, 1)));
}

function axesOf(hasMagnitude: boolean): Axis[] {
  return AXES.filter((axis) => axis !== 'magnitude' || hasMagnitude);
}

/** Returns the samples of a response with all readings. */
export function samplesOfPath(path: Schema['Path'], hasMagnitude: boolean): Samples {
  const startsUs = path.timestamps.map(momentOfApi);
  const { x, y, z } = path;
  const column = (values: number[]): Column => ({ low: values, mid: values, high: values });
  const axes: Samples['axes'] = { x: column(x), y: column(y), z: column(z) };
  if (hasMagnitude) axes.magnitude = column(x.map((x, i) => magnitude(x, y[i]!, z[i]!)));
  return { kind: 'readings', startsUs, endsUs: startsUs, counts: startsUs.map(() => 1), axes };
}

/** Returns the samples of a response with buckets. */
export function samplesOfSeries({ buckets }: Schema['Series'], hasMagnitude: boolean): Samples {
  const column = (axis: Axis): Column => {
    const statistics = buckets.map(({ stats }) => stats?.[axis]);
    return {
      low: statistics.map((axis) => axis?.min_value ?? null),
      mid: statistics.map((axis) => axis?.median ?? null),
      high: statistics.map((axis) => axis?.max_value ?? null),
    };
  };
  return {
    kind: 'buckets',
    startsUs: buckets.map(({ start }) => momentOfApi(start)),
    endsUs: buckets.map(({ end }) => momentOfApi(end)),
    counts: buckets.map(({ stats }) => stats?.x.count ?? 0),
    axes: Object.fromEntries(axesOf(hasMagnitude).map((axis) => [axis, column(axis)])),
  };
}
