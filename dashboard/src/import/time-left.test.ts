import { expect, it } from 'vitest';

import { TimeLeft } from './time-left';

it('estimates by the progress of the last seconds', () => {
  const left = new TimeLeft();
  expect(left.at(0, 0)).toBeNull();
  for (let second = 0; second <= 10; second += 1) left.note(second * 1_000, second / 100);
  expect(left.at(10_000, 0.1)).toBeCloseTo(90_000, 6);
  // The rate doubles. After the span, only the new rate counts.
  for (let second = 11; second <= 40; second += 1) left.note(second * 1_000, 0.1 + (second - 10) / 50);
  expect(left.at(40_000, 0.7)).toBeCloseTo(15_000, 6);
});

it('knows nothing without progress', () => {
  const left = new TimeLeft();
  for (let second = 0; second <= 60; second += 1) left.note(second * 1_000, 0.5);
  expect(left.at(60_000, 0.5)).toBeNull();
});
