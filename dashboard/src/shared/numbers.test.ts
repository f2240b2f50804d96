import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bytesText, countText, rateText } from './numbers';

describe('a rate', () => {
  it('differs from the number by less than half a percent', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-9, max: 9e20, noNaN: true }), (rate) => {
        const text = rateText(rate, 'en-US');
        const [, number, prefix = ''] = /^([\d.,]+)\u202f?(\w?)$/.exec(text) ?? [];
        const factor = 1_000 ** ['', 'k', 'M', 'G', 'T', 'P', 'E'].indexOf(prefix);
        const read = Number(number?.replaceAll(',', '')) * factor;
        expect(Math.abs(read - rate) / rate).toBeLessThanOrEqual(0.005 + 1e-9);
      }),
    );
  });

  it('is short', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 9e20, noNaN: true }), (rate) => {
        expect(rateText(rate, 'en-US').length).toBeLessThanOrEqual('0.00123'.length);
      }),
    );
  });

  it('has prefixes', () => {
    const plain = (rate: number, locale = 'en-US'): string => rateText(rate, locale).replace('\u202f', ' ');
    expect([0, 9.811, 999.4, 0.0333].map((rate) => plain(rate))).toEqual(['0', '9.81', '999', '0.0333']);
    expect([11_900.5, 999_950, -12_345].map((rate) => plain(rate))).toEqual(['11.9 k', '1 M', '-12.3 k']);
    expect(plain(1_040_000, 'de-DE')).toBe('1,04 M');
  });
});

describe('a number of bytes', () => {
  it('has a unit', () => {
    const plain = (bytes: number): string => bytesText(bytes, 'en-US').replace('\u202f', ' ');
    expect([0, 12, 1_500, 1_040_000_000].map(plain)).toEqual(['0 B', '12 B', '1.5 kB', '1.04 GB']);
  });
});

describe('a count', () => {
  it('has all its digits', () => {
    expect(countText(1_234_567, 'en-US')).toBe('1,234,567');
    expect(countText(Number.MAX_SAFE_INTEGER, 'de-DE')).toBe('9.007.199.254.740.991');
  });
});
