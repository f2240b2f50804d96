import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isRefreshDue, stepMs } from './refresh';

const bucketUs = fc.integer({ min: 1, max: 1e14 });

describe('the refresh of a picture', () => {
  it('needs new readings, and time', () => {
    fc.assert(
      fc.property(
        bucketUs,
        fc.nat(1e9),
        fc.nat(4000),
        fc.nat(1e6),
        (bucketUs, elapsedMs, buffered, arrived) => {
          const isDue = isRefreshDue({ elapsedMs, arrived, buffered, bufferLimit: 4000 }, bucketUs);
          if (arrived === 0 || elapsedMs < 2000) expect(isDue).toBe(false);
          if (arrived > 0 && elapsedMs >= 60_000) expect(isDue).toBe(true);
        },
      ),
    );
  });

  it('comes before the buffer is full, whatever the window', () => {
    // At 100 readings/s, checked each second, for an hour.
    fc.assert(
      fc.property(bucketUs, (bucketUs) => {
        let [buffered, most, sinceS, requests] = [0, 0, 0, 0];
        for (let second = 0; second < 3600; second += 1) {
          buffered += 100;
          sinceS += 1;
          most = Math.max(most, buffered);
          if (
            !isRefreshDue(
              { elapsedMs: sinceS * 1000, arrived: sinceS * 100, buffered, bufferLimit: 4000 },
              bucketUs,
            )
          )
            continue;
          [buffered, sinceS, requests] = [0, 0, requests + 1];
        }
        expect(most).toBeLessThan(4000);
        expect(requests).toBeLessThanOrEqual(1800);
      }),
      { numRuns: 20 },
    );
  });

  it('follows the buckets in between', () => {
    const since = { arrived: 1, buffered: 1, bufferLimit: 4000 };
    expect(isRefreshDue({ ...since, elapsedMs: 9_000 }, 10e6)).toBe(false);
    expect(isRefreshDue({ ...since, elapsedMs: 10_000 }, 10e6)).toBe(true);
  });
});

describe('the steps of a moving window', () => {
  it('are about a pixel, and neither hectic nor slow', () => {
    expect(stepMs(400e6, 800)).toBe(500);
    expect(stepMs(60e6, 800)).toBe(400);
    expect(stepMs(86_400e6, 800)).toBe(1000);
    expect(stepMs(1, 0)).toBe(400);
  });
});
