import { expect, it } from 'vitest';

import { REJECTED_KEPT_MAX } from './limits';
import { Outcome } from './outcome';
import { PartBuilder } from './part-builder';
import { rejectedOf } from './rejected-rows';
import { rejectsTable } from './rejects-table';

function part() {
  const builder = new PartBuilder();
  for (const [number, device] of [
    [2, 'a'],
    [5, '=b,"'],
    [9, 'c'],
  ] as const) {
    builder.add({ number, device, time: { s: number, us: 5 }, x: '1', y: '-2.50', z: '3' });
  }
  return builder.take(1);
}

it('names the rows of the file that the service rejects', () => {
  const faults = [
    { loc: ['body', 1, 'device_id'], line: 3, msg: 'Device not found' },
    { loc: ['body', 1, 'x'], line: 3, msg: 'wrong' },
    { loc: ['body', 2], line: 4, msg: 'row' },
    { loc: ['body', 99, 'x'], msg: 'of no row' },
  ];
  expect(rejectedOf(part(), faults)).toEqual([
    {
      number: 5,
      values: ['=b,"', '1970-01-01T00:00:05.000005Z', '1', '-2.50', '3'],
      faults: [
        { field: 'device_id', message: 'Device not found' },
        { field: 'x', message: 'wrong' },
      ],
    },
    {
      number: 9,
      values: ['c', '1970-01-01T00:00:09.000005Z', '1', '-2.50', '3'],
      faults: [{ field: null, message: 'row' }],
    },
  ]);
});

it('counts all rejected rows, and keeps the first ones', () => {
  const outcome = new Outcome();
  const row = { number: 1, values: [], faults: [] };
  for (let part = 0; part < 12; part += 1) outcome.reject(Array.from({ length: 1_000 }, () => row));
  outcome.accept(part(), { accepted: 0, duplicates: 0, conflicts: 0, rejected: 3 }, []);
  expect([outcome.rejected, outcome.rejectedRows.length]).toEqual([12_003, REJECTED_KEPT_MAX]);
  expect(outcome.window).toBeNull();
});

it('knows the window of the stored readings', () => {
  const outcome = new Outcome();
  outcome.accept(part(), { accepted: 1, duplicates: 2, conflicts: 0 }, []);
  expect(outcome.window).toEqual({ minUs: 2_000_005, maxUs: 9_000_005 });
  expect([...outcome.devices.keys()]).toEqual(['a', '=b,"', 'c']);
});

it('writes the table of the command', () => {
  const row = {
    number: 7,
    values: ['=a', '', '1', 'x,y', ''],
    faults: [
      { field: 'y' as const, message: 'no "number"' },
      { field: null, message: 'row' },
    ],
  };
  expect(rejectsTable('a.csv', [row])).toBe(
    `file,row,reason,device_id,timestamp,x,y,z\na.csv,7,"y: no ""number""; row",'=a,,1,"x,y",\n`,
  );
});
