import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { momentText, type Cell } from './cells';
import { FileTimes, PLAIN_TIMES, type TimeRules } from './file-times';

function reader(rules: Partial<TimeRules>): (cell: Cell) => string {
  const times = new FileTimes({ ...PLAIN_TIMES, ...rules });
  return (cell) => {
    const time = times.read(cell);
    return time === null ? '' : typeof time === 'string' ? time : momentText(time);
  };
}

const read = (cell: Cell, rules: Partial<TimeRules> = {}) => reader(rules)(cell);

describe('a time without an offset', () => {
  const berlin = { zone: 'Europe/Berlin' };

  it.each([
    ['2026-07-01 12:00:00.1234567', '2026-07-01T10:00:00.123456Z'],
    ['2026-07-01', '2026-06-30T22:00:00.000000Z'],
    ['2026-07-01T12:00:00Z', '2026-07-01T12:00:00.000000Z'],
    ['2026-07-01T12:00:00-02:00', '2026-07-01T14:00:00.000000Z'],
    ['1795428000', '2026-11-23T10:00:00.000000Z'],
    [' 2026-07-01T12:00 ', '2026-07-01T10:00:00.000000Z'],
    ['2026-07-01 12:00:00.5+05', '2026-07-01T07:00:00.500000Z'],
    ['2026-07-01 12:00:00-05', '2026-07-01T17:00:00.000000Z'],
    ['', ''],
  ])('is the time of a clock of the zone: %s', (text, expected) => expect(read(text, berlin)).toBe(expected));

  it('is a fault while clocks skip it, and a choice while they show it twice', () => {
    expect(read('2026-03-29T02:30', berlin)).toContain('skip this time');
    expect(read('2026-10-25T02:30', berlin)).toContain('show this time twice');
    expect(read('2026-10-25T02:30', { ...berlin, repeated: 'earlier' })).toBe('2026-10-25T00:30:00.000000Z');
    expect(read('2026-10-25T02:30', { ...berlin, repeated: 'later' })).toBe('2026-10-25T01:30:00.000000Z');
    expect(read('2026-10-25T02:30')).toBe('2026-10-25T02:30:00.000000Z');
    expect(read({ s: 1_793_000_000, us: 5, kind: 'clock' }, berlin)).toBe('2026-10-26T06:33:20.000005Z');
  });

  it('becomes the moment at which clocks show it, in each zone', () => {
    const zones = [
      'Europe/Berlin',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Pacific/Apia',
      'Africa/Casablanca',
    ];
    const readers = new Map(zones.map((zone) => [zone, reader({ zone, repeated: 'earlier' })]));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }),
        (zone, s) => {
          const shown = new Intl.DateTimeFormat('sv-SE', {
            timeZone: zone,
            dateStyle: 'short',
            timeStyle: 'medium',
          }).format(s * 1_000);
          const found = readers.get(zone)!(shown);
          const later = read(shown, { zone, repeated: 'later' });
          // A time that clocks show twice has two moments; the shown one is one of them.
          expect([Date.parse(found) / 1_000, Date.parse(later) / 1_000]).toContain(s);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('a number', () => {
  it('stands for a time only if its unit is certain', () => {
    expect(read('1795428000000')).toBe('2026-11-23T10:00:00.000000Z');
    expect(read(1_795_428_000.5)).toBe('2026-11-23T10:00:00.500000Z');
    expect(read('2026')).toBe(
      '2026 in seconds since 1970 is 1970-01-01T00:33:46.000000Z, outside the years 1990 to 2100; choose a “Unit of numbers”, or write the time as 2026-11-23T10:00:00Z',
    );
    for (const text of [
      '20261123',
      '20261123100000',
      '46349.4167',
      '0',
      '-1',
      '4133980800',
      '1795428000000000',
      '.5',
      '1e30',
    ]) {
      expect(read(text)).toMatch(/outside the years/);
    }
    expect(read('2026', { unit: 's' })).toBe('1970-01-01T00:33:46.000000Z');
    expect(read(1_795_428_000_123_456_789n, { unit: 'ns' })).toBe('2026-11-23T10:00:00.123456Z');
    expect(read(Number.NaN)).toContain('NaN');
  });

  it('has the same unit in the whole file', () => {
    const times = reader({});
    expect(times('1795428000')).toBe('2026-11-23T10:00:00.000000Z');
    expect(times('1795428000000')).toContain(
      'was read as milliseconds, but an earlier time of the file as seconds',
    );
    expect(times('2026-11-23')).toBe('2026-11-23T00:00:00.000000Z');
  });
});

describe('a form', () => {
  it.each([
    ['%d.%m.%Y %H:%M:%S%.f', '23.11.2026 10:00:00.1234567', '2026-11-23T10:00:00.123456Z'],
    ['%m/%d/%y %I:%M %p', '11/23/26 10:00 PM', '2026-11-23T22:00:00.000000Z'],
    ['%Y%m%d%H%M%S', '20261123100000', '2026-11-23T10:00:00.000000Z'],
    ['%d.%m.%Y', '23.11.2026', '2026-11-23T00:00:00.000000Z'],
    ['%Y-%m-%d %H:%M:%S %z', '2026-11-23 10:00:00 +0200', '2026-11-23T08:00:00.000000Z'],
    ['%s', '1795428000', '2026-11-23T10:00:00.000000Z'],
    ['%d.%m.%Y, %H:%M:%S%.f', '23.11.2026, 10:00:00,25', '2026-11-23T10:00:00.250000Z'],
    ['%d.%m.%y', '05.03.26', '2026-03-05T00:00:00.000000Z'],
    ['%d %b %Y', '5 Mar 2026', '2026-03-05T00:00:00.000000Z'],
    ['%d.%m.%Y', '31.02.2026', 'Input should be a valid datetime, it does not have the form %d.%m.%Y'],
    ['%d.%m.%Y', 'soon', 'Input should be a valid datetime, it does not have the form %d.%m.%Y'],
    [
      '%I:%M %d.%m.%Y',
      '13:00 1.1.2026',
      'Input should be a valid datetime, it does not have the form %I:%M %d.%m.%Y',
    ],
    ['excel', '46349.4166666667', '2026-11-23T10:00:00.000000Z'],
    ['excel', '46349,4166666667', '2026-11-23T10:00:00.000000Z'],
    ['excel', '61', '1900-03-01T00:00:00.000000Z'],
  ])('%s reads %s', (form, text, expected) => expect(read(text, { form })).toBe(expected));

  it('applies to the clocks of a zone', () => {
    expect(read('01.07.2026 12:00', { form: '%d.%m.%Y %H:%M', zone: 'Europe/Berlin' })).toBe(
      '2026-07-01T10:00:00.000000Z',
    );
    expect(read(46_349.5, { form: 'excel', zone: 'Europe/Berlin' })).toBe('2026-11-23T11:00:00.000000Z');
  });

  it.each(['', 'iso', '%', '%é', '%Y %Y'])('is not %j', (form) => {
    expect(() => new FileTimes({ ...PLAIN_TIMES, form })).toThrow(RangeError);
  });
});

describe('RFC 3339', () => {
  it.each([
    '2026-02-30',
    '2026-13-01',
    '2026-11-23T24:00:00',
    '0000-01-01',
    '10000-01-01',
    '2026-11-23T00:00:00+24:00',
    '20260101T000000Z',
  ])('does not allow %s', (text) =>
    expect(read(text)).toMatch(/^Input should be a valid datetime or date, .*; choose a “Form of the times”/),
  );

  it('restores every moment, with any offset', () => {
    const minute = fc.integer({ min: -1_439, max: 1_439 });
    fc.assert(
      fc.property(
        fc.integer({ min: -62_000_000_000, max: 253_000_000_000 }),
        fc.integer({ min: 0, max: 999_999 }),
        minute,
        (s, us, offset) => {
          const text = momentText({ s, us });
          expect(read(text)).toBe(text);
          const [sign, minutes] = [offset < 0 ? '-' : '+', Math.abs(offset)];
          const digits = (number: number) => String(number).padStart(2, '0');
          const shifted = momentText({ s: s + offset * 60, us }).slice(0, -1);
          expect(read(`${shifted}${sign}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}`)).toBe(
            text,
          );
        },
      ),
    );
  });
});
