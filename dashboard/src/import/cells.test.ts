import { expect, it } from 'vitest';

import { cellText, momentText } from './cells';

it('writes moments with all their digits', () => {
  expect(momentText({ s: 1_795_428_000, us: 250_000 })).toBe('2026-11-23T10:00:00.250000Z');
  expect(momentText({ s: -62_135_596_800, us: 1 })).toBe('0001-01-01T00:00:00.000001Z');
  expect(momentText({ s: 253_402_300_799, us: 999_999 })).toBe('9999-12-31T23:59:59.999999Z');
  expect(momentText({ s: -1, us: 999_999 })).toBe('1969-12-31T23:59:59.999999Z');
});

it('writes each kind of value', () => {
  expect(cellText({ s: 0, us: 0, kind: 'date' })).toBe('1970-01-01');
  expect(cellText({ s: 0, us: 5, kind: 'clock' })).toBe('1970-01-01T00:00:00.000005');
  expect(cellText({ s: 0, us: 5, kind: 'moment' })).toBe('1970-01-01T00:00:00.000005Z');
  expect([-0, 0.1, 5n, true, null, undefined].map(cellText)).toEqual(['-0', '0.1', '5', 'true', '', '']);
});
