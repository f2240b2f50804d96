/** The points of a path: a response of the service, extended by live readings. */
import { api } from '../api/client';
import { dataUnlessEmpty, IF_EMPTY } from '../api/empty';
import { Loaded } from '../api/loaded.svelte';
import type { LiveReading } from '../live/messages';
import { spanQuery, type Span } from '../statistics/request';
import { extended, NO_POINTS, pointsOf, within, type Points } from './points';

/** Points of a request. */
const POINTS = 10_000;
/** Live readings that wait for the next request. With more, the path is requested again. */
const TAIL_MAX = 2_000;
/** From this number of points on, live readings are added twice per second. */
const LONG = 2_000;
const LONG_STEP_MS = 500;
/** Age at which a path that follows the clock is requested again: late readings appear then. */
const AGE_MAX_MS = 60_000;

interface Fetched {
  points: Points;
  /** Number of readings in the window. */
  count: number;
  isThinned: boolean;
}

export class LivePath {
  readonly loaded = new Loaded<Fetched>();
  #tail = $state.raw<readonly LiveReading[]>([]);
  #arrived: readonly LiveReading[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #loadedAtMs = 0;

  /** The points in a window, in order of time. */
  pointsIn(span: Span): Points {
    const points = extended(this.loaded.value?.points ?? NO_POINTS, this.#tail);
    return span ? within(points, span) : points;
  }

  /** Whether the path should be requested again although only the clock has moved on. */
  get isStale(): boolean {
    return this.#tail.length >= TAIL_MAX || performance.now() - this.#loadedAtMs > AGE_MAX_MS;
  }

  /** Adds live readings. Long paths take a moment to draw, so that they grow in larger steps. */
  add(readings: readonly LiveReading[]): void {
    this.#arrived = [...this.#arrived, ...readings].slice(-TAIL_MAX);
    const length = (this.loaded.value?.points.timesUs.length ?? 0) + this.#tail.length;
    this.#timer ??= setTimeout(() => this.#extend(), length > LONG ? LONG_STEP_MS : 0);
  }

  #extend(): void {
    this.#timer = null;
    this.#tail = [...this.#tail, ...this.#arrived].slice(-TAIL_MAX);
    this.#arrived = [];
  }

  async load(deviceId: string, span: Span): Promise<void> {
    this.#loadedAtMs = performance.now();
    const isTaken = await this.loaded.load((signal) => fetchPath(deviceId, span, signal));
    if (!isTaken) return;
    const lastUs = this.loaded.value?.points.timesUs.at(-1) ?? -Infinity;
    this.#tail = this.#tail.filter(({ timeUs }) => timeUs > lastUs);
  }

  clear(): void {
    this.loaded.clear();
    this.#tail = [];
    this.#arrived = [];
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

async function fetchPath(deviceId: string, span: Span, signal: AbortSignal): Promise<Fetched> {
  const params = {
    path: { device_id: deviceId },
    query: { points: POINTS, ...spanQuery(span), ...IF_EMPTY },
  };
  const path = await dataUnlessEmpty(api.GET('/api/v1/stats/devices/{device_id}/path', { params, signal }));
  if (!path) return { points: NO_POINTS, count: 0, isThinned: false };
  return { points: pointsOf(path), count: path.count, isThinned: path.thinned };
}
