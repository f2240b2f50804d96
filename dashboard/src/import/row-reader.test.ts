import { describe, expect, it } from 'vitest';

import type { Cell } from './cells';
import { PLAIN_TIMES } from './file-times';
import type { Mapping } from './mapping';
import { RowReader } from './row-reader';
import { isRejected } from './rows';

const MAPPING: Mapping = {
  roles: ['device_id', 'timestamp', 'x', 'y', 'z'],
  device: '',
  hasDecimalComma: false,
  times: PLAIN_TIMES,
  missingTimesAreNow: false,
};

function read(cells: Cell[], change: Partial<Mapping> = {}) {
  return new RowReader({ ...MAPPING, ...change }).read({ number: 7, cells });
}

function faults(cells: Cell[], change: Partial<Mapping> = {}): string[] {
  const row = read(cells, change);
  return isRejected(row) ? row.faults.map(({ field, message }) => `${field}: ${message}`) : [];
}

describe('a row', () => {
  it('keeps all digits of its numbers', () => {
    const time = '2026-11-23T10:00:00Z';
    expect(read(['pump', time, '-0.66646940', '1e-7', '+0.10000000000000000001'])).toEqual({
      number: 7,
      device: 'pump',
      time: { s: 1_795_428_000, us: 0 },
      x: '-0.66646940',
      y: '1e-7',
      z: '+0.10000000000000000001',
    });
    expect(read([17, time, -0, 0.1, 9_007_199_254_740_992n])).toMatchObject({
      device: '17',
      x: '-0',
      y: '0.1',
      z: '9007199254740992',
    });
    expect(read(['a', time, '1,5', '-2', ',25'], { hasDecimalComma: true })).toMatchObject({
      x: '1.5',
      y: '-2',
      z: '.25',
    });
  });

  it('names every faulty value', () => {
    expect(faults([' a', 'soon', '', 'one', '1e999'])).toEqual([
      'device_id: Value error, the text begins or ends with a space',
      'timestamp: Input should be a valid datetime or date, input is too short; choose a “Form of the times”',
      'x: Input should be a valid number, the string is empty',
      'y: Input should be a valid number, unable to parse string as a number',
      'z: Input should be a finite number',
    ]);
    expect(faults([null, null, null, Number.NaN, 9_007_199_254_740_993n])).toEqual([
      'device_id: Input should be a valid string',
      'timestamp: Field required: the row has no time',
      'x: Input should be a valid number',
      'y: Input should be a finite number',
      'z: Input should be an integer that a double holds exactly',
    ]);
    expect(
      faults(['a', 0, '1.5', 'nan', '1,2,3'], { hasDecimalComma: true, missingTimesAreNow: true }),
    ).toHaveLength(4);
  });

  it.each(['', 'x'.repeat(256), 'ä'.repeat(128), 'a\u0000', 'a\nb', '.', '..', 'a\uFFFD', '\uD800'])(
    'has no device %j',
    (device) => {
      expect(faults([device, '2026-11-23', 1, 2, 3])).toHaveLength(1);
    },
  );

  it('gets the time of the server only if the user says so', () => {
    expect(read(['a', '', 1, 2, 3], { missingTimesAreNow: true })).toMatchObject({ time: null });
    expect(read([null, null, 1, 2, 3], { roles: [null, null, 'x', 'y', 'z'], device: 'pump' })).toMatchObject(
      { device: 'pump', time: null },
    );
  });

  it('joins a date and a time of day', () => {
    const roles: Mapping['roles'] = ['timestamp', 'time_of_day', 'x', 'y', 'z'];
    const time = (date: Cell, ofDay: Cell) => read([date, ofDay, 1, 2, 3], { roles, device: 'a' });
    expect(time('2026-11-23', '10:00:00.25')).toMatchObject({ time: { s: 1_795_428_000, us: 250_000 } });
    expect(time({ s: 1_795_392_000, us: 0, kind: 'date' }, '10:00:00.250000')).toMatchObject({
      time: { us: 250_000 },
    });
    expect(time({ s: 1_795_392_000, us: 0, kind: 'clock' }, '10:00')).toMatchObject({
      time: { s: 1_795_428_000 },
    });
  });

  it('keeps its values if it is rejected, with a readable time as RFC 3339', () => {
    const mapping = { times: { ...PLAIN_TIMES, zone: 'Europe/Berlin' } };
    expect(read(['a', '2026-07-01 12:00', 'x', '2', '3'], mapping)).toMatchObject({
      values: ['a', '2026-07-01T10:00:00.000000Z', 'x', '2', '3'],
    });
    const row = new RowReader(MAPPING).read({ number: 3, cells: ['a', 'b'], problem: 'the row has 2 cells' });
    expect(row).toEqual({
      number: 3,
      values: ['a', 'b', '', '', ''],
      faults: [{ field: null, message: 'the row has 2 cells' }],
    });
  });
});
