import fc from 'fast-check';
import { expect, it } from 'vitest';

import { fittingLabels } from './fitting-labels';

it('keeps labels that do not touch, and the first', () => {
  const label = fc.record({ text: fc.string({ minLength: 1, maxLength: 6 }), at: fc.nat(300) });
  fc.assert(
    fc.property(fc.array(label, { minLength: 1 }), (labels) => {
      const placed = fittingLabels(labels, 6);
      expect(placed[0]).toBe(labels[0]);
      const spans = placed.map(({ text, at }) => [at - text.length * 3, at + text.length * 3] as const);
      spans.sort((a, b) => a[0] - b[0]);
      for (const [i, span] of spans.entries()) if (i > 0) expect(span[0]).toBeGreaterThan(spans[i - 1]![1]);
    }),
  );
});

it('keeps all labels that have room', () => {
  const labels = [0, 100, 200].map((at) => ({ text: String(at), at }));
  expect(fittingLabels(labels, 6)).toEqual(labels);
});
