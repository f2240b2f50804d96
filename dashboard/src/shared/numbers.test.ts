import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  bytesText,
  countText,
  exactText,
  rateText,
  rateWithUnitText,
  shortCountText,
  shortText,
} from './numbers';

const double = fc.double({ noNaN: true, noDefaultInfinity: true });

/** Reads the text of a number in a locale with Latin digits. */
function read(text: string, locale: string): number {
  const parts = new Intl.NumberFormat(locale).formatToParts(-12_345.6);
  const of = (type: string): string => parts.find((part) => part.type === type)?.value ?? '';
  const plain = text.replaceAll(of('group'), '').replace(of('decimal'), '.').replace(of('minusSign'), '-');
  return Number(plain.replace('\u2212', '-'));
}

describe('the exact text of a double', () => {
  it('gives the same double back in every locale', () => {
    const locale = fc.constantFrom('en-US', 'de-DE', 'fr-FR', 'de-CH', 'en-IN');
    fc.assert(
      fc.property(double, locale, (value, locale) => {
        expect(read(exactText(value, locale), locale)).toBe(value + 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it('has no digit more than needed', () => {
    fc.assert(
      fc.property(double, (value) => {
        const digits = (text: string): string =>
          text
            .replace(/[eE].*/, '')
            .replace(/\D/g, '')
            .replace(/^0+/, '');
        expect(digits(exactText(value, 'en-US'))).toBe(digits(String(value)));
      }),
    );
  });

  it('is written like people write numbers', () => {
    expect(exactText(0.1, 'en-US')).toBe('0.1');
    expect(exactText(0.1 + 0.2, 'de-DE')).toBe('0,30000000000000004');
    expect(exactText(1_234_567.25, 'de-DE')).toBe('1.234.567,25');
    expect(exactText(123_456_789_012_345_680_000, 'en-US')).toBe('123,456,789,012,345,680,000');
    expect(exactText(1e21, 'en-US')).toBe('1E21');
    expect(exactText(5e-324, 'en-US')).toBe('5E-324');
    expect(exactText(-0, 'en-US')).toBe('0');
    expect(exactText(null)).toBe('–');
  });
});

describe('short texts', () => {
  it('are short', () => {
    fc.assert(
      fc.property(double, (value) => {
        expect(shortText(value, 4, 'en-US').length).toBeLessThanOrEqual('-1.234E-308'.length);
        const count = Math.abs(value) % 1e20;
        expect(shortCountText(count, 'en-US').length).toBeLessThanOrEqual(
          Math.max('1.23 M'.length, count < 1 ? 330 : 0),
        );
      }),
    );
  });

  it('differ from the value by less than a part in a thousand', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 9e20, noNaN: true }), (value) => {
        const [, number, prefix = ''] = /^([\d.,]+)\u202f?(\w?)$/.exec(shortCountText(value, 'en-US')) ?? [];
        const read =
          Number(number?.replaceAll(',', '')) * 1_000 ** ['', 'k', 'M', 'G', 'T', 'P', 'E'].indexOf(prefix);
        expect(Math.abs(read - value) / value).toBeLessThanOrEqual(0.005);
      }),
    );
  });

  it('have prefixes', () => {
    const plain = (text: string): string => text.replace('\u202f', ' ');
    expect(plain(shortCountText(0, 'en-US'))).toBe('0');
    expect(plain(shortCountText(999.4, 'en-US'))).toBe('999');
    expect(plain(shortCountText(999_950, 'en-US'))).toBe('1 M');
    expect(plain(shortCountText(1_040_000, 'de-DE'))).toBe('1,04 M');
    expect(plain(shortCountText(-12_345, 'en-US'))).toBe('-12.3 k');
    expect(plain(bytesText(1_040_000_000, 'en-US'))).toBe('1.04 GB');
    expect(plain(bytesText(12, 'en-US'))).toBe('12 B');
    expect(plain(rateText(11_900.5, 'en-US'))).toBe('11.9 k');
    expect(plain(rateText(0.0333, 'en-US'))).toBe('0.0333');
  });

  it('give slow rates in a longer unit of time', () => {
    expect(rateWithUnitText(9.81, 'en-US')).toBe('9.81/s');
    expect(rateWithUnitText(1 / 60, 'en-US')).toBe('1/min');
    expect(rateWithUnitText(2 / 3_600, 'en-US')).toBe('2/h');
    expect(rateWithUnitText(0.5 / 86_400, 'en-US')).toBe('0.5/d');
    expect(rateWithUnitText(0, 'en-US')).toBe('0/s');
  });

  it('keep counts whole', () => {
    expect(countText(1_234_567, 'en-US')).toBe('1,234,567');
    expect(shortText(1_234.567, 4, 'en-US')).toBe('1,235');
    expect(shortText(0.000_012_345, 3, 'de-DE')).toBe('1,23E-5');
    expect(shortText(null)).toBe('–');
  });
});
