import fc from 'fast-check';
import { expect, it } from 'vitest';

import { exactFormat, shortText } from './value-text';

const value = fc.double({ noNaN: true, noDefaultInfinity: true });

it('writes every number so that it can be read back exactly', () => {
  const exactText = exactFormat('en');
  fc.assert(
    fc.property(value, (value) => {
      expect(Number(exactText(value).replaceAll(',', ''))).toBe(value);
    }),
  );
});

it('keeps all texts short', () => {
  const exactText = exactFormat('en');
  fc.assert(
    fc.property(value, (value) => {
      expect(exactText(value).length).toBeLessThanOrEqual(27);
      expect(shortText(value).length).toBeLessThanOrEqual(20);
    }),
  );
});

it('writes usual numbers without an exponent', () => {
  const exactText = exactFormat('en');
  expect([0, 21.5, -0.00025, 1234567.25, 5e-324].map(exactText)).toEqual([
    '0',
    '21.5',
    '-0.00025',
    '1,234,567.25',
    '5E-324',
  ]);
  expect(exactFormat('de')(1234.5)).toBe('1.234,5');
});
