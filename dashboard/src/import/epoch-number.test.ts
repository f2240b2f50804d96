import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { countToMoment, epochToMoment, inferredUnit, parseEpochNumber } from './epoch-number';
import { TIME_UNITS, type TimeUnit } from './time-units';

function microsOf(text: string, unit: TimeUnit): bigint | string {
  const moment = epochToMoment(parseEpochNumber(text)!, unit);
  return typeof moment === 'string' ? moment : BigInt(moment.s) * 1_000_000n + BigInt(moment.us);
}

describe('a numeric time', () => {
  // The cases of the command `device-stats import`.
  it.each<[string, TimeUnit, bigint]>([
    ['1795428000.1234567', 's', 1_795_428_000_123_456n],
    ['1795428000.1234569999999999999999', 's', 1_795_428_000_123_456n],
    ['1.7954280001234567e9', 's', 1_795_428_000_123_456n],
    ['17954280001234567E-7', 's', 1_795_428_000_123_456n],
    ['123e-1', 's', 12_300_000n],
    ['1795428000123.4567', 'ms', 1_795_428_000_123_456n],
    ['1795428000123456789', 'ns', 1_795_428_000_123_456n],
    ['-0.0000005', 's', -1n],
    ['-1.5', 's', -1_500_000n],
    ['-0', 's', 0n],
    ['0e99999999999', 's', 0n],
    ['1e-99999999999', 's', 0n],
    ['-1e-99999999999', 's', -1n],
    ['000000000000000000000000000001.', 's', 1_000_000n],
    ['.5', 's', 500_000n],
    ['-.5e1', 's', -5_000_000n],
  ])('is rounded down by its digits: %s %s', (text, unit, micros) => {
    expect(microsOf(text, unit)).toBe(micros);
  });

  it.each([
    '',
    '-',
    '+',
    '.',
    '-.',
    '.e5',
    '1e',
    '1e+',
    '1.5.5',
    '0x10',
    '1_0',
    ' 1',
    'NaN',
    'inf',
    '1e1.5',
    '2026-11-23',
  ])('is not %j', (text) => expect(parseEpochNumber(text)).toBeNull());

  it('equals the division of integers', () => {
    fc.assert(
      fc.property(
        fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
        fc.integer({ min: 1, max: 23 }),
        fc.constantFrom(...TIME_UNITS),
        (mantissa, point, unit) => {
          const digits = String(mantissa < 0n ? -mantissa : mantissa).padStart(25, '0');
          const text = `${mantissa < 0n ? '-' : ''}${digits.slice(0, -point)}.${digits.slice(-point)}`;
          const perMicro = {
            s: 1_000_000_000_000_000n,
            ms: 1_000_000_000_000n,
            us: 1_000_000_000n,
            ns: 1_000_000n,
          }[unit];
          const [whole, divisor] = [mantissa * perMicro, 10n ** BigInt(point) * 1_000_000_000n];
          const floor = whole / divisor - (whole < 0n && whole % divisor !== 0n ? 1n : 0n);
          const isValid = floor >= -62_135_596_800_000_000n && floor < 253_402_300_800_000_000n;
          const found = microsOf(text, unit);
          if (isValid) expect(found).toBe(floor);
          else expect(typeof found).toBe('string');
        },
      ),
    );
  });

  it.each<[string, TimeUnit]>([
    ['20000000000', 's'],
    ['20000000000.0000001', 's'],
    ['20000000000.000001', 'ms'],
    ['20000000001', 'ms'],
    ['-20000000000', 's'],
    ['-20000000000.5', 'ms'],
    ['1e300', 'ms'],
  ])('has a unit by its size: %s', (text, unit) => expect(inferredUnit(parseEpochNumber(text)!)).toBe(unit));

  it('is divided exactly if it is a whole count', () => {
    const count = fc.oneof(fc.bigInt(-(2n ** 62n), 2n ** 62n), fc.bigInt(-(2n ** 54n), 2n ** 54n));
    fc.assert(
      fc.property(count, fc.constantFrom(...TIME_UNITS), (count, unit) => {
        const { s, us } = countToMoment(count, unit);
        const perSecond = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n }[unit];
        const floor = count / perSecond - (count < 0n && count % perSecond !== 0n ? 1n : 0n);
        expect(s).toBe(Number(floor));
        expect(us).toBe(Number(((count - floor * perSecond) * 1_000_000n) / perSecond));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is rounded down if it is a whole count', () => {
    expect(countToMoment(-1n, 'ns')).toEqual({ s: -1, us: 999_999 });
    expect(countToMoment(1_999n, 'ns')).toEqual({ s: 0, us: 1 });
    expect(countToMoment(-7n, 'ms')).toEqual({ s: -1, us: 993_000 });
    expect(countToMoment(1_795_428_000_123_456_789n, 'ns')).toEqual({ s: 1_795_428_000, us: 123_456 });
  });
});
