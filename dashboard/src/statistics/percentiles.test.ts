import fc from 'fast-check';
import { expect, it } from 'vitest';

import { percentileOf, PERCENTILES_MAX, withPercentile } from './percentiles';

it('reads numbers from 0 to 100 in the usual notations', () => {
  const texts = ['0', '100', ' 99.9 ', '99,9', '50 %', '.5', '5.'];
  expect(texts.map(percentileOf)).toEqual([0, 100, 99.9, 99.9, 50, 0.5, 5]);
  const faulty = ['', '%', '-1', '100.1', '1e1', '5,6,7', '1 2', 'p50', 'NaN'];
  expect(faulty.map(percentileOf)).toEqual(faulty.map(() => null));
});

it('keeps a short ascending list of different percentiles, whatever is typed', () => {
  const text = fc.oneof(
    fc.string(),
    fc.integer({ min: -5, max: 120 }).map(String),
    fc.constantFrom('0', '00', '5', '5.0', '5,0'),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 60 }), (texts) => {
      let list: readonly number[] = [];
      for (const text of texts) {
        const result = withPercentile(list, text);
        if (!('percentiles' in result)) continue;
        expect(result.percentiles).toHaveLength(list.length + 1);
        list = result.percentiles;
      }
      expect(list.length).toBeLessThanOrEqual(PERCENTILES_MAX);
      expect(list).toEqual([...new Set(list)].sort((a, b) => a - b));
    }),
  );
});
