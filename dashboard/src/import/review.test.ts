import { expect, it } from 'vitest';

import type { Mapping } from './mapping';
import { inspect } from './preview';
import { reviewOf } from './review';
import { isRejected } from './rows';
import { fileOf } from './test-files';

async function review(content: string, change: (guess: Mapping) => Partial<Mapping> = () => ({})) {
  const { preview, rows } = await inspect(fileOf(content, 'a.csv'), null);
  return reviewOf(preview.columns, rows, { ...preview.guess, ...change(preview.guess) });
}

it('shows readings and faulty rows in the order of the file', async () => {
  const found = await review(
    'device_id,timestamp,x,y,z\na,1795428000,1,2,3\na,1795428001,one,2,3\na,1795428002,1,2,3\n',
  );
  expect(found.rows.map((row) => [row.number, isRejected(row)])).toEqual([
    [2, false],
    [3, true],
    [4, false],
  ]);
  expect(found).toMatchObject({
    checked: 3,
    faulty: 1,
    problems: [],
    doubts: [],
    hasForm: true,
    hasNumbers: true,
    hasClockTimes: false,
  });
});

it('names everything that is missing', async () => {
  const found = await review('a;b;c\n1;2;3\n');
  expect(found).toMatchObject({ checked: 0, rows: [], hasForm: false });
  expect(found.problems).toEqual([
    'Choose the columns of x, y and z.',
    'Choose the column of the device, or enter one device for all rows.',
    'Choose the column of the time, or let all rows get the time of their arrival.',
  ]);
  const typed = await review('x;y;z\n1;2;3\n', () => ({ device: ' ', missingTimesAreNow: true }));
  expect(typed.problems).toEqual([
    'This device id is not valid: Value error, the text begins or ends with a space.',
  ]);
});

it('reads German tables of loggers', async () => {
  const found = await review(
    'Gerät;Datum;Uhrzeit;AccX [g];AccY [g];AccZ [g]\npumpe;23.11.2026;10:00:00;-0,25;1,5;2\n',
  );
  expect(found).toMatchObject({ problems: [], faulty: 0, hasClockTimes: true, hasNumbers: false });
  expect(found.rows).toEqual([
    { number: 2, device: 'pumpe', time: { s: 1_795_428_000, us: 0 }, x: '-0.25', y: '1.5', z: '2' },
  ]);
});

it('does not read rows with a pattern that is not known', async () => {
  const times = (guess: Mapping) => ({ times: { ...guess.times, form: '%Q' } });
  const found = await review('device_id,timestamp,x,y,z\na,2026,1,2,3\n', times);
  expect(found).toMatchObject({ rows: [], problems: ['The pattern of the times is not known: %Q.'] });
});
