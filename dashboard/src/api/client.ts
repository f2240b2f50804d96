/** The client of the service: typed requests, and one kind of fault for each failure. */
import createClient, { type Middleware } from 'openapi-fetch';

import { connection } from './connection.svelte';
import { ConnectionLost, faultOf, isAbort } from './fault';
import type { components, paths } from './schema.gen';

/** The shapes of the API, by name. */
export type Schema = components['schemas'];
export type User = Schema['User'];
export type Device = Schema['Device'];
/** The status of a device. Its members are always present, except for the activity, which is sent on request. */
export type DeviceStatus = Required<Omit<Schema['DeviceStatus'], 'activity' | 'state' | 'last_reading'>> & {
  state: 'reporting' | 'silent' | 'waiting';
  last_reading: Reading | null;
  activity?: Schema['Activity'] | null;
};
export type Reading = Schema['Reading'];
export type Statistics = Schema['Statistics'];
export type Analysis = Schema['Analysis'];
export type Token = Schema['Token'];
export type Me = Schema['Me'];

/** Called when the service no longer accepts the session of the page. */
let onSignedOut: (() => void) | null = null;

export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

const faults: Middleware = {
  onError({ error }) {
    if (isAbort(error)) return undefined;
    connection.noteLost();
    return new ConnectionLost(error);
  },
  async onResponse({ response }) {
    connection.noteAnswer();
    if (response.ok) return undefined;
    if (response.status === 401) onSignedOut?.();
    throw faultOf(
      response,
      await response
        .clone()
        .json()
        .catch(() => null),
    );
  },
};

const client = createClient<paths>({ baseUrl: location.origin, credentials: 'same-origin' });
client.use(faults);

/**
 * Requests by method and path, for example `api.GET('/api/v1/devices', { params: { query: { limit: 10 } } })`. Each
 * rejects with `ApiFault`, `ConnectionLost` or, after an abort of its signal, an `AbortError`. Use `data` of the result.
 */
export const api = client;

/** Returns the data of a response, whose presence the faults above guarantee. */
export async function dataOf<T>(response: Promise<{ data?: T }>): Promise<T> {
  const { data } = await response;
  return data as T;
}

/** A page of a list, and the cursor of the next page; `null` at the end. */
export interface Page<T> {
  items: T[];
  next: number | null;
}

/** Returns the page of a response. The header `Link` contains the address of the next page. */
export async function pageOf<T>(response: Promise<{ data?: T[]; response: Response }>): Promise<Page<T>> {
  const { data, response: whole } = await response;
  return { items: data ?? [], next: nextCursor(whole.headers.get('link')) };
}

/** Returns `after` of the address with `rel="next"` in a `Link` header; `null` without one. */
export function nextCursor(link: string | null): number | null {
  const address = /<([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  const after = address ? new URL(address, 'http://x').searchParams.get('after') : null;
  return after === null ? null : Number(after);
}
