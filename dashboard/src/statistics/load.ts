/** Loads the statistics of a window. */
import { api, type Analysis, type Schema } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';
import type { Subject } from '../shared/subject';
import type { Axis } from '../view/view';
import { BINS, type Histogram } from './bins';
import { analysisQuery, spanQuery, type Span } from './request';

export type Histograms = Schema['Histograms'];

/** An interval of values of one axis, with both ends. */
export interface Mark {
  axis: Axis;
  low: number;
  high: number;
}

/** The part of the readings that the statistics cover. */
export interface Scope {
  subject: Subject;
  span: Span;
}

/** A drag changes an interval many times; only the last one within this time is counted. */
const DRAG_PAUSE_MS = 80;

export interface WindowStatistics {
  /** The whole response, as it is copied. For a user, it also contains the statistics of each device. */
  response: Analysis | Schema['UserAnalysis'];
  analysis: Analysis;
  histograms: Histograms;
}

/** Loads the analysis and the histograms of a window; `null` if it contains no readings. */
export async function loadStatistics(
  scope: Scope,
  percentiles: readonly number[],
  withMagnitude: boolean,
  signal: AbortSignal,
): Promise<WindowStatistics | null> {
  const query = analysisQuery(scope.span, percentiles, withMagnitude);
  const [response, histograms] = await Promise.all([
    loadAnalysis(scope.subject, query, signal),
    loadHistograms(scope, { bins: BINS, ...(withMagnitude && { magnitude: true }) }, signal),
  ]);
  if (!response || !histograms) return null;
  const analysis = 'aggregate_stats' in response ? response.aggregate_stats : response;
  return { response, analysis, histograms };
}

/** Loads the histograms of intervals of values, at most one of each axis. */
export async function loadLooks(
  scope: Scope,
  looks: readonly Mark[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Axis, Histogram>> {
  const histograms = await Promise.all(looks.map((look) => loadInterval(scope, look, BINS, signal)));
  return new Map(looks.flatMap(({ axis }, i) => (histograms[i] ? [[axis, histograms[i]] as const] : [])));
}

/** Counts the readings in an interval, with both ends. */
export async function countInside(scope: Scope, interval: Mark, signal: AbortSignal): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, DRAG_PAUSE_MS));
  signal.throwIfAborted();
  return (await loadInterval(scope, interval, 1, signal))?.counts[0] ?? 0;
}

/** Loads the histogram of the values of an axis in an interval; `null` if the window contains no readings. */
async function loadInterval(
  scope: Scope,
  { axis, low, high }: Mark,
  bins: number,
  signal: AbortSignal,
): Promise<Histogram | null> {
  const query = { bins, low, high, ...(axis === 'magnitude' && { magnitude: true }) };
  return (await loadHistograms(scope, query, signal))?.[axis] ?? null;
}

function loadAnalysis(
  subject: Subject,
  wanted: ReturnType<typeof analysisQuery>,
  signal: AbortSignal,
): Promise<WindowStatistics['response'] | null> {
  const query = { ...wanted, ...IF_EMPTY };
  return 'deviceId' in subject
    ? dataUnlessEmpty(
        api.GET('/api/v1/stats/devices/{device_id}/analysis', {
          params: { path: { device_id: subject.deviceId }, query },
          querySerializer,
          signal,
        }),
      )
    : dataUnlessEmpty(
        api.GET('/api/v1/stats/users/{user_id}/analysis', {
          params: { path: { user_id: subject.userId }, query },
          querySerializer,
          signal,
        }),
      );
}

function loadHistograms(
  { subject, span }: Scope,
  part: { bins: number; low?: number; high?: number; magnitude?: boolean },
  signal: AbortSignal,
): Promise<Histograms | null> {
  const query = { ...spanQuery(span), ...part, ...IF_EMPTY };
  return 'deviceId' in subject
    ? dataUnlessEmpty(
        api.GET('/api/v1/stats/devices/{device_id}/histogram', {
          params: { path: { device_id: subject.deviceId }, query },
          signal,
        }),
      )
    : dataUnlessEmpty(
        api.GET('/api/v1/stats/users/{user_id}/histogram', {
          params: { path: { user_id: subject.userId }, query },
          signal,
        }),
      );
}

/** The API separates the entries of a list by commas. */
const querySerializer = { array: { style: 'form', explode: false } } as const;
