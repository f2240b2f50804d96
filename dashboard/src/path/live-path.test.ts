import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { ApiFault } from '../api/fault';
import { LivePath } from './live-path.svelte';

const get = vi.hoisted(() => vi.fn());
vi.mock('../api/client', () => ({
  api: { GET: get },
}));

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

/** The service answers with readings at these seconds. */
function answer(seconds: readonly number[]) {
  const timestamps = seconds.map((second) => new Date(second * 1_000).toISOString());
  get.mockResolvedValueOnce({
    data: { count: seconds.length, thinned: false, timestamps, x: seconds, y: seconds, z: seconds },
  });
}

function live(second: number) {
  return { deviceId: 'pump', timeUs: second * 1e6, x: second, y: second, z: second };
}

const seconds = (path: LivePath) => path.pointsIn(null).timesUs.map((timeUs) => timeUs / 1e6);

it('continues a response with live readings, without repeats and in the window', async () => {
  const path = new LivePath();
  answer([1, 2, 3]);
  await path.load('pump', null);
  path.add([live(3), live(4)]);
  path.add([live(5)]);
  await vi.runAllTimersAsync();
  expect(seconds(path)).toEqual([1, 2, 3, 4, 5]);
  expect(path.pointsIn({ fromUs: 2e6, untilUs: 5e6 }).x).toEqual([2, 3, 4]);
  answer([1, 2, 3, 4, 4.5, 5]);
  await path.load('pump', null);
  expect(seconds(path)).toEqual([1, 2, 3, 4, 4.5, 5]);
});

it('begins with live readings if the window is empty', async () => {
  const path = new LivePath();
  get.mockResolvedValueOnce({ data: undefined });
  await path.load('pump', null);
  expect([path.loaded.fault, seconds(path)]).toEqual([null, []]);
  path.add([live(1)]);
  await vi.runAllTimersAsync();
  expect(seconds(path)).toEqual([1]);
});

it('keeps few live readings, and asks for a new response instead', async () => {
  const path = new LivePath();
  answer([0]);
  await path.load('pump', null);
  for (let second = 1; second <= 5_000; second += 1) {
    path.add([live(second)]);
    if (second % 10 === 0) await vi.advanceTimersByTimeAsync(1);
    if (second < 2_000) expect(path.isStale).toBe(false);
  }
  await vi.runAllTimersAsync();
  expect(path.isStale).toBe(true);
  expect(seconds(path)).toHaveLength(2_001);
  expect(seconds(path).at(-1)).toBe(5_000);
  answer([0, 5_000]);
  await path.load('pump', null);
  expect(path.isStale).toBe(false);
  expect(seconds(path)).toEqual([0, 5_000]);
});

it('reports other faults', async () => {
  const path = new LivePath();
  get.mockRejectedValueOnce(new ApiFault(404, 'device_not_found', 'Device not found', null, null, []));
  await path.load('pump', null);
  expect(path.loaded.fault).toBeInstanceOf(ApiFault);
});
