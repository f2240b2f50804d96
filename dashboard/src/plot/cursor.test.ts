import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { nextSample, sampleAt } from './cursor';
import { middlesUs, type Samples } from './samples';

const samples: fc.Arbitrary<Samples> = fc
  .tuple(
    fc.constantFrom('buckets' as const, 'readings' as const),
    fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { maxLength: 30 }),
    fc.infiniteStream(fc.nat(3)),
  )
  .map(([kind, places, count]) => {
    const startsUs = places.map((place) => place * 10).sort((a, b) => a - b);
    const isReadings = kind === 'readings';
    const counts = startsUs.map(() => (isReadings ? 1 : (count.next().value ?? 0)));
    return {
      kind,
      startsUs,
      endsUs: isReadings ? startsUs : startsUs.map((us) => us + 10),
      counts,
      axes: {},
    };
  });

describe('the sample under the cursor', () => {
  it('is the bucket around the cursor, or the nearest reading', () => {
    fc.assert(
      fc.property(samples, fc.integer({ min: -50, max: 1_050 }), fc.nat(40), (samples, timeUs, reachUs) => {
        const found = sampleAt(samples, timeUs, reachUs);
        const distances = samples.startsUs.map((startUs) => Math.abs(startUs - timeUs));
        const inside = samples.startsUs.findIndex(
          (startUs, i) => startUs <= timeUs && timeUs < samples.endsUs[i]!,
        );
        if (samples.kind === 'buckets') {
          expect(found).toBe(inside >= 0 && samples.counts[inside]! > 0 ? inside : null);
        } else if (found === null) {
          expect(Math.min(Infinity, ...distances)).toBeGreaterThan(reachUs);
        } else {
          expect(distances[found]).toBe(Math.min(...distances));
          expect(distances[found]).toBeLessThanOrEqual(reachUs);
        }
      }),
    );
  });
});

describe('the samples beside the cursor', () => {
  it('are visited each once by steps, in both directions', () => {
    fc.assert(
      fc.property(samples, (samples) => {
        const filled = samples.counts.flatMap((count, i) => (count > 0 ? [i] : []));
        for (const step of [1, -1] as const) {
          const visited: number[] = [];
          let timeUs: number | null = null;
          for (let n = 0; n < filled.length; n += 1) {
            const next: number | null = nextSample(samples, timeUs, step, [0, samples.counts.length]);
            visited.push(next!);
            timeUs = middlesUs(samples)[next!]!;
          }
          expect(visited).toEqual(step === 1 ? filled : [...filled].reverse());
          // At the end, the cursor stays.
          const last = nextSample(samples, timeUs, step, [0, samples.counts.length]);
          expect(last).toBe(visited.at(-1) ?? null);
        }
      }),
    );
  });
});
