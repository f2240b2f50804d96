import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { momentOfApi, toRfc3339 } from '../time/moment';
import type { TimedReading } from './samples';

/** A model of the service: readings of one device in order of time, and its answers. */
let stored: TimedReading[] = [];
let asked: { path: string; query: Record<string, unknown> }[] = [];

vi.mock('../api/client', () => ({
  api: {
    GET: async (path: string, { params }: { params: { query: Record<string, unknown> } }) => {
      asked.push({ path, query: params.query });
      return { data: answer(path, params.query) };
    },
  },
}));
const { expectedReadings, load, readingsMax } = await import('./requests');

const BUCKET_US = 1_000;

/** Returns the data of a response; `undefined` for one without a body. */
function answer(path: string, query: Record<string, unknown>): unknown {
  const fromUs = query.start_time ? momentOfApi(query.start_time as string) : (stored[0]?.timeUs ?? 0);
  const untilUs = query.until ? momentOfApi(query.until as string) : (stored.at(-1)?.timeUs ?? 0) + 1;
  const found = stored.filter(({ timeUs }) => timeUs >= fromUs && timeUs < untilUs);
  expect(query.if_empty).toBe('no_content');
  if (found.length === 0) return undefined;
  if (path.endsWith('/path')) {
    const isThinned = found.length > (query.points as number);
    const shown = isThinned ? found.slice(0, 1) : found;
    const timestamps = shown.map(({ timeUs }) => toRfc3339(timeUs));
    const column = (axis: 'x' | 'y' | 'z') => shown.map((reading) => reading[axis]);
    return {
      count: found.length,
      thinned: isThinned,
      timestamps,
      x: column('x'),
      y: column('y'),
      z: column('z'),
    };
  }
  const first = Math.floor(fromUs / BUCKET_US);
  const buckets = Array.from({ length: Math.ceil(untilUs / BUCKET_US) - first }, (_, i) => {
    const start = (first + i) * BUCKET_US;
    const inside = found.filter(({ timeUs }) => timeUs >= start && timeUs < start + BUCKET_US);
    const axis = (name: 'x' | 'y' | 'z') => {
      const values = inside.map((reading) => reading[name]).sort((a, b) => a - b);
      return {
        min_value: values[0],
        median: values[values.length >> 1],
        max_value: values.at(-1),
        count: values.length,
      };
    };
    const stats = inside.length === 0 ? null : { x: axis('x'), y: axis('y'), z: axis('z') };
    return { start: toRfc3339(start), end: toRfc3339(start + BUCKET_US), stats };
  });
  return { interval: 'PT0.001S', timezone: 'UTC', buckets };
}

const readings = fc
  .uniqueArray(fc.integer({ min: 0, max: 50_000 }), { maxLength: 80 })
  .map((times) =>
    times.sort((a, b) => a - b).map((timeUs, i) => ({ timeUs, deviceId: 'a', x: (i * 7) % 13, y: 1, z: -i })),
  );
const wanted = { subject: { deviceId: 'a' }, widthPx: 10, zone: 'UTC', hasMagnitude: false };
const window = { fromUs: 5_000, untilUs: 45_000 };

beforeEach(() => {
  asked = [];
});

describe('the requests of a picture', () => {
  it('give all readings if they fit on the screen, otherwise buckets', async () => {
    const expected = fc.constantFrom(null, 0, 10, 1_000);
    await fc.assert(
      fc.asyncProperty(readings, fc.option(fc.constant(window)), expected, async (list, window, expected) => {
        [stored, asked] = [list, []];
        const { samples, window: shown } = await load(
          { ...wanted, window },
          expected,
          new AbortController().signal,
        );
        const inside = list.filter(
          ({ timeUs }) => !window || (timeUs >= window.fromUs && timeUs < window.untilUs),
        );
        if (window) expect(shown).toEqual(window);
        expect(asked.length).toBeLessThanOrEqual(inside.length === 0 ? 1 : 2);
        expect(samples.counts.reduce((sum, count) => sum + count, 0)).toBe(inside.length);
        if (inside.length > readingsMax({ ...wanted, window })) {
          expect(samples.kind).toBe('buckets');
          expect(Math.max(...samples.axes.x!.high.map((value) => value ?? -1))).toBe(
            Math.max(...inside.map(({ x }) => x)),
          );
        } else {
          expect(samples.kind).toBe('readings');
          expect(samples.startsUs).toEqual(inside.map(({ timeUs }) => timeUs));
          expect(samples.axes.z!.mid).toEqual(inside.map(({ z }) => z));
        }
        for (const { timeUs } of inside) expect(timeUs >= shown.fromUs && timeUs < shown.untilUs).toBe(true);
      }),
    );
  });

  it('are one if the number of readings is expected', async () => {
    stored = Array.from({ length: 500 }, (_, i) => ({ timeUs: i * 100, deviceId: 'a', x: i, y: 0, z: 0 }));
    const picture = await load({ ...wanted, window }, null, new AbortController().signal);
    expect(picture.samples.kind).toBe('buckets');
    asked = [];
    for (const untilUs of [8_000, 30_000]) {
      const closer = { fromUs: 6_000, untilUs };
      const expected = expectedReadings(picture, closer);
      expect(expected).toBe((untilUs - 6_000) / 100);
      await load({ ...wanted, window: closer }, expected, new AbortController().signal);
    }
    expect(asked.map(({ path }) => path.split('/').at(-1))).toEqual(['path', 'series']);
    expect(asked[1]!.query.stats).toEqual(['min', 'max', 'median', 'count']);
  });

  it('know nothing about windows that the picture does not contain', async () => {
    stored = [{ timeUs: 6_000, deviceId: 'a', x: 1, y: 0, z: 0 }];
    const picture = await load({ ...wanted, window }, null, new AbortController().signal);
    expect(expectedReadings(picture, { fromUs: 4_000, untilUs: 9_000 })).toBeNull();
    expect(expectedReadings(picture, { fromUs: 6_000, untilUs: 46_000 })).toBeNull();
    expect(expectedReadings(picture, null)).toBeNull();
    expect(expectedReadings(picture, { fromUs: 6_000, untilUs: 7_000 })).toBe(1);
  });

  it('have buckets for a user, whose devices have readings at the same time', async () => {
    stored = [{ timeUs: 6_000, deviceId: 'a', x: 1, y: 0, z: 0 }];
    const picture = await load(
      { ...wanted, subject: { userId: 1 }, window },
      1,
      new AbortController().signal,
    );
    expect(picture.samples.kind).toBe('buckets');
    expect(asked).toHaveLength(1);
  });
});
