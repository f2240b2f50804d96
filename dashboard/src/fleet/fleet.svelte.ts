/** The data of the fleet: its summary, and one page of devices or users. Renewed every few seconds. */
import { api, dataOf, pageOf, type DeviceStatus, type Page, type Schema, type User } from '../api/client';
import { Loaded } from '../api/loaded.svelte';
import type { FleetState } from '../view/view';

/** Number of devices or users of a page. */
export const PAGE_SIZE = 50;
/** Buckets of the activity of a device: one for two minutes of the last hour. */
const ACTIVITY_POINTS = 30;

/** Conditions on the devices of the list. */
export interface DeviceConditions {
  search: string;
  userId: number | null;
  state: FleetState | null;
}

/** The positions of the pages before the present one, so that a viewer can go back: a cursor only leads on. */
export class Pages<T> {
  loaded = new Loaded<Page<T>>();
  /** The cursors of the pages up to the present one; 0 is the first page. */
  #cursors = $state.raw<readonly number[]>([0]);

  get after(): number {
    return this.#cursors.at(-1) ?? 0;
  }

  get hasPrevious(): boolean {
    return this.#cursors.length > 1;
  }

  get next(): number | null {
    return this.loaded.value?.next ?? null;
  }

  goNext(): void {
    if (this.next !== null) this.#cursors = [...this.#cursors, this.next];
  }

  goPrevious(): void {
    if (this.hasPrevious) this.#cursors = this.#cursors.slice(0, -1);
  }

  goFirst(): void {
    this.#cursors = [0];
  }
}

export function loadSummary(userId: number | null, signal: AbortSignal): Promise<Schema['FleetSummary']> {
  const query = userId === null ? {} : { user_id: userId };
  return dataOf(api.GET('/api/v1/stats/fleet', { params: { query }, signal }));
}

export function loadDevices(
  { search, userId, state }: DeviceConditions,
  after: number,
  signal: AbortSignal,
): Promise<Page<DeviceStatus>> {
  const query = {
    after,
    limit: PAGE_SIZE,
    points: ACTIVITY_POINTS,
    ...(search && { q: search }),
    ...(userId !== null && { user_id: userId }),
    ...(state && { state }),
  };
  const page = pageOf(api.GET('/api/v1/stats/status', { params: { query }, signal }));
  return page as Promise<Page<DeviceStatus>>;
}

export function loadUsers(search: string, after: number, signal: AbortSignal): Promise<Page<User>> {
  const query = { after, limit: PAGE_SIZE, ...(search && { q: search }) };
  return pageOf(api.GET('/api/v1/users', { params: { query }, signal }));
}
