import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  append,
  curveOf,
  GAP_US,
  increaseOf,
  maximumOf,
  pathsOf,
  rateCurveOf,
  SAMPLES_MAX,
  SPAN_US,
  type Sample,
} from './history';
import { healthyState } from './sample_state';

const SECOND_US = 1e6;

function sample(atS: number, errors: number, startedAt = 'first'): Sample {
  const state = healthyState((state) => {
    state.started_at = startedAt;
    state.requests.server_errors_total = errors;
    state.readings.hot = errors;
  });
  return { atUs: atS * SECOND_US, state };
}

const errorsOf = (state: Sample['state']) => state.requests.server_errors_total;

describe('the history', () => {
  it('is bounded, in order, and ends with the newest sample, whatever the clock does', () => {
    const steps = fc.array(fc.integer({ min: -2_000, max: 100_000 }), { maxLength: 1_000 });
    fc.assert(
      fc.property(steps, (steps) => {
        let [history, atS]: [readonly Sample[], number] = [[], 1e6];
        for (const step of steps) {
          const added = sample((atS += step / 1_000), 0);
          history = append(history, added);
          expect(history.at(-1)).toBe(added);
        }
        expect(history.length).toBeLessThanOrEqual(SAMPLES_MAX);
        history.slice(1).forEach((one, index) => expect(one.atUs).toBeGreaterThan(history[index]!.atUs));
        if (history.length > 0) expect(history.at(-1)!.atUs - history[0]!.atUs).toBeLessThanOrEqual(SPAN_US);
      }),
      { numRuns: 20 },
    );
  });

  it('knows the increase of a total across a restart of the service', () => {
    const history = [sample(0, 5), sample(2, 9), sample(4, 1, 'second'), sample(6, 4, 'second')];
    expect(increaseOf(history, errorsOf)).toBe(4 + 1 + 3);
    expect(rateCurveOf(history, errorsOf).map(({ value }) => value)).toEqual([null, 2, null, 1.5]);
    expect(increaseOf([sample(0, 5)], errorsOf)).toBe(0);
  });
});

describe('a curve', () => {
  const box = { width: 100, height: 20 };

  it('reaches the right edge now, and the upper edge at its maximum', () => {
    const history = [sample(0, 1), sample(2, 4)];
    const points = curveOf(history, (state) => state.readings.hot);
    expect(maximumOf(points)).toBe(4);
    expect(pathsOf(points, box, 4)).toEqual(['M96.7 15h0L100 0']);
    expect(pathsOf([], box, 4)).toEqual([]);
  });

  it('fills the width as soon as there is a minute', () => {
    const history = Array.from({ length: 46 }, (_, index) => sample(index * 2, 1));
    expect(pathsOf(curveOf(history, errorsOf), box, 2)[0]).toMatch(/^M0 10h0L.*L100 10$/);
  });

  it('is interrupted where values are missing', () => {
    const history = [sample(0, 1), sample(2, 1), sample(2 + (GAP_US / SECOND_US) * 2, 1)];
    expect(pathsOf(curveOf(history, errorsOf), box, 1)).toHaveLength(2);
    const unknown = [0, 2, 4].map((s) => ({ atUs: s * SECOND_US, value: s === 2 ? null : 1 }));
    expect(pathsOf(unknown, box, 1)).toHaveLength(2);
  });

  it('stays inside its box', () => {
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 600 }), { minLength: 1 });
    fc.assert(
      fc.property(times, (times) => {
        const history = [...times].sort((a, b) => a - b).map((atS) => sample(atS, atS));
        const points = curveOf(history, errorsOf);
        const numbers = pathsOf(points, box, maximumOf(points))
          .join('')
          .match(/-?[\d.]+/g)!
          .map(Number);
        for (const one of numbers) expect(one >= 0 && one <= 100).toBe(true);
      }),
    );
  });
});
