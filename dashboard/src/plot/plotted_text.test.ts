import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { plottedText } from './plotted_text';
import { rangeOf } from './value_range';

describe('the text of a plotted value', () => {
  it('is exact to the thousandth of the range', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e300, max: 1e300 }), { minLength: 1 }),
        (values) => {
          const range = rangeOf(values);
          for (const value of values) {
            const shown = Number(plottedText(value, range, 'en').replaceAll(',', ''));
            expect(Math.abs(shown - value)).toBeLessThanOrEqual((range.high - range.low) / 1000);
          }
        },
      ),
    );
  });

  it('leaves out digits that nobody sees', () => {
    expect(plottedText(0.123456789, { low: 0, high: 1 }, 'en')).toBe('0.123');
    expect(plottedText(100.123456789, { low: 100, high: 100.2 }, 'en')).toBe('100.1235');
    expect(plottedText(2, { low: -3, high: 3 }, 'en')).toBe('2.000');
    expect(plottedText(-1234.5, { low: -2000, high: 0 }, 'de')).toBe('-1.235');
    expect(plottedText(1.23456789e-14, { low: 0, high: 2e-14 }, 'en')).toBe('1.235E-14');
    expect(plottedText(-1e-9, { low: -1, high: 1 }, 'en')).toBe('0.000');
    expect(plottedText(3, { low: 0, high: 1e12 }, 'en')).toBe('0');
  });
});
