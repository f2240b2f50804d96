import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Pacing } from './pacing';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Returns a task of some duration that notes its name when it starts. */
function task(started: string[], name: string, durationMs: number) {
  return () => {
    started.push(name);
    return new Promise((resolve) => setTimeout(resolve, durationMs));
  };
}

it('runs the latest of the waiting tasks after a pause in proportion to the duration', async () => {
  const started: string[] = [];
  const pacing = new Pacing();
  pacing.runInTurn(task(started, 'a', 1_000));
  for (const name of ['b', 'c', 'd']) pacing.runInTurn(task(started, name, 10));
  await vi.advanceTimersByTimeAsync(3_900);
  expect(started).toEqual(['a']);
  await vi.advanceTimersByTimeAsync(200);
  expect(started).toEqual(['a', 'd']);
});

it('runs often for quick tasks, and sometimes for very slow ones', async () => {
  for (const [durationMs, passMs] of [
    [10, 10_000],
    [60_000, 300_000],
  ] as const) {
    const started: string[] = [];
    const pacing = new Pacing();
    for (let ms = 0; ms < passMs; ms += 100) {
      pacing.runInTurn(task(started, 'a', durationMs));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(started.length).toBeGreaterThanOrEqual(durationMs === 10 ? 9 : 3);
    expect(started.length).toBeLessThanOrEqual(11);
  }
});

it('runs a task of the viewer at once, and no outdated task after it', async () => {
  const started: string[] = [];
  const pacing = new Pacing();
  pacing.runInTurn(task(started, 'a', 1_000));
  pacing.runInTurn(task(started, 'b', 10));
  pacing.runNow(task(started, 'zoom', 10));
  expect(started).toEqual(['a', 'zoom']);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toEqual(['a', 'zoom']);
  pacing.runInTurn(task(started, 'c', 10));
  expect(started).toEqual(['a', 'zoom', 'c']);
});

it('runs no waiting task after it was stopped', async () => {
  const started: string[] = [];
  const pacing = new Pacing();
  pacing.runInTurn(task(started, 'a', 10));
  pacing.runInTurn(task(started, 'b', 10));
  await vi.advanceTimersByTimeAsync(100);
  pacing.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(started).toEqual(['a']);
});
