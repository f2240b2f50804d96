/** The requests of the view of a user. */
import { api, dataOf, type Schema } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';
import { ApiFault } from '../api/fault';
import { load, type Picture } from '../plot/requests';
import { NO_SAMPLES } from '../plot/samples';
import type { Subject } from '../shared/subject';
import { analysisQuery } from '../statistics/request';
import type { Window } from '../time/range';
import type { UserAnalysis } from './columns';
import { Turns } from './turns';

/** Curves of devices that are requested at a time, so that the rest of the page does not wait for them. */
const CURVES_MAX = 3;
const turns = new Turns(CURVES_MAX);

/** Loads a user and its devices; `null` if there is none, or the caller may not see it. */
export async function loadUser(
  userId: number,
  signal: AbortSignal,
): Promise<Schema['UserWithDevices'] | null> {
  try {
    const params = { path: { user_id: userId } };
    return await dataOf(api.GET('/api/v1/users/{user_id}', { params, signal }));
  } catch (fault) {
    if (fault instanceof ApiFault && fault.status === 404) return null;
    throw fault;
  }
}

/** Loads the statistics of all devices of a user; `null` if the window contains no readings. */
export async function loadUserAnalysis(
  userId: number,
  window: Window | null,
  percentiles: readonly number[],
  hasMagnitude: boolean,
  signal: AbortSignal,
): Promise<UserAnalysis | null> {
  const query = { ...analysisQuery(window, percentiles, hasMagnitude), ...IF_EMPTY };
  return dataUnlessEmpty(
    api.GET('/api/v1/stats/users/{user_id}/analysis', {
      params: { path: { user_id: userId }, query },
      // The API separates the entries of a list by commas.
      querySerializer: { array: { style: 'form', explode: false } },
      signal,
    }),
  );
}

/** Wanted curve of a subject in a window. */
export interface WantedCurve {
  subject: Subject;
  window: Window;
  widthPx: number;
  zone: string;
  hasMagnitude: boolean;
  /** Number of readings in the window, if it is known: it saves requests. */
  count: number | null;
}

/** Loads a curve when it is its turn. A window without readings is not requested. */
export async function loadCurve({ count, ...wanted }: WantedCurve, signal: AbortSignal): Promise<Picture> {
  if (count === 0) return { samples: NO_SAMPLES, window: wanted.window, bucketUs: 1 };
  return turns.run(() => load(wanted, count, signal), signal);
}
