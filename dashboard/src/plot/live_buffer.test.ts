import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { LiveBuffer } from './live_buffer';
import type { TimedReading } from './samples';
import type { Window } from './window';

const window: Window = { fromUs: 100, untilUs: 1_000 };
const reading: fc.Arbitrary<TimedReading> = fc.record({
  timeUs: fc.integer({ min: 0, max: 1_100 }),
  deviceId: fc.constantFrom('a', 'b'),
  x: fc.integer(),
  y: fc.constant(0),
  z: fc.constant(0),
});
const batches = fc.array(fc.array(reading, { maxLength: 30 }), { maxLength: 20 });

function plain({ timeUs, deviceId, x, y, z }: TimedReading): TimedReading {
  return { timeUs, deviceId, x, y, z };
}

/** The newest readings by time of those inside the window, the last one of each device and time. */
function model(received: TimedReading[], limit: number): TimedReading[] {
  const last = new Map(
    received.filter(({ timeUs }) => timeUs >= 100).map((one) => [`${one.timeUs} ${one.deviceId}`, one]),
  );
  return [...last.values()]
    .sort((a, b) => a.timeUs - b.timeUs || (a.deviceId < b.deviceId ? -1 : 1))
    .slice(-limit)
    .map(plain);
}

describe('the live buffer', () => {
  it('holds the readings of the window in order of time, each once', () => {
    fc.assert(
      fc.property(batches, (batches) => {
        const buffer = new LiveBuffer(10_000);
        for (const batch of batches) buffer.add(batch, window);
        expect(buffer.readings.map(plain)).toEqual(model(batches.flat(), 10_000));
      }),
    );
  });

  it('is bounded and keeps the newest', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 20 }), (batches, limit) => {
        const buffer = new LiveBuffer(limit);
        for (const batch of batches) {
          buffer.add(batch, window);
          expect(buffer.size).toBeLessThanOrEqual(limit);
        }
        const times = buffer.readings.map(({ timeUs }) => timeUs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        const newest = model(batches.flat(), 1)[0];
        expect(buffer.readings.at(-1)?.timeUs).toBe(newest?.timeUs);
      }),
    );
  });

  it('drops the readings that a request has fetched, and no others', () => {
    fc.assert(
      fc.property(batches, batches, fc.integer({ min: 0, max: 1_100 }), (before, after, untilUs) => {
        const buffer = new LiveBuffer(10_000);
        for (const batch of before) buffer.add(batch, window);
        const { mark } = buffer;
        for (const batch of after) buffer.add(batch, window);
        const all = buffer.readings.map(plain);
        buffer.dropFetched(mark, untilUs);
        const arrivedLater = new Set(
          model(after.flat(), 10_000).map((one) => `${one.timeUs} ${one.deviceId}`),
        );
        const expected = all.filter(
          (one) => one.timeUs >= untilUs || arrivedLater.has(`${one.timeUs} ${one.deviceId}`),
        );
        expect(buffer.readings.map(plain)).toEqual(expected);
      }),
    );
  });

  it('drops the readings that leave the window', () => {
    const buffer = new LiveBuffer();
    buffer.add(
      [100, 200, 300].map((timeUs) => ({ timeUs, deviceId: 'a', x: 0, y: 0, z: 0 })),
      window,
    );
    buffer.moveTo({ fromUs: 200, untilUs: 1_100 });
    expect(buffer.readings.map(({ timeUs }) => timeUs)).toEqual([200, 300]);
  });
});
