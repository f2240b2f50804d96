import { describe, expect, it } from 'vitest';

import type { SourceRow } from './cells';
import { contentOf } from './column-content';
import { doubtsOf, guessMapping } from './column-guess';
import { problemsOf } from './mapping-problems';
import { textColumn } from './row-source';

function guess(names: string[], ...rows: string[][]) {
  const columns = names.map(textColumn);
  const source = rows.map((cells, at): SourceRow => ({ number: at + 2, cells }));
  const mapping = guessMapping(columns, source, true);
  const roles = mapping.roles.flatMap((role, at) =>
    role && role !== names[at] ? [`${role}=${names[at]}`] : [],
  );
  return { mapping, words: roles.sort().join(' '), doubts: doubtsOf(columns, source, mapping) };
}

describe('the guess', () => {
  // The cases of the command `device-stats import`.
  it.each<[string[], string]>([
    [['Time', 'AccX [g]', 'AccY [g]', 'AccZ [g]'], 'timestamp=Time x=AccX [g] y=AccY [g] z=AccZ [g]'],
    [['sensor', 'ts', 'x', 'y', 'z', 'battery'], 'device_id=sensor timestamp=ts'],
    [['device_id', 'Date', 'Time', 'x', 'y', 'z'], 'time_of_day=Time timestamp=Date'],
    [
      ['device', 'x (m/s^2)', 'y (m/s^2)', 'z (m/s^2)'],
      'device_id=device x=x (m/s^2) y=y (m/s^2) z=z (m/s^2)',
    ],
    [['X', ' Y ', 'z', 'Device_ID'], 'device_id=Device_ID x=X y= Y '],
  ])('finds columns by common names: %j', (names, words) => expect(guess(names).words).toBe(words));

  it('leaves an ambiguous axis to the user', () => {
    const { mapping } = guess(['a', 'acc_x', 'gyro_x', 'acc_y', 'acc_z']);
    expect(mapping.roles).toEqual([null, null, null, 'y', 'z']);
    expect(problemsOf(mapping)).toContain('Choose the column of x.');
  });

  it.each([
    ['Datum;Uhrzeit', '23.11.2026;10:00', 'time_of_day=Uhrzeit timestamp=Datum'],
    ['Zeit', '10', 'timestamp=Zeit'],
    ['Datum/Uhrzeit', '', 'timestamp=Datum/Uhrzeit'],
    ['recorded', '2026-11-23T10:00:00Z', 'timestamp=recorded'],
    ['Horodatage', '', 'timestamp=Horodatage'],
    ['Aufnahme', '23.11.2026 10:00:00', 'timestamp=Aufnahme'],
    ['Tag;Beginn', '23.11.2026;10:00:00', 'time_of_day=Beginn timestamp=Tag'],
    ['temperature', '21.5', ''],
  ])('finds the time: %s', (names, row, words) => {
    const found = guess(
      ['device_id', 'x', 'y', 'z', ...names.split(';')],
      ['a', '1', '2', '3', ...row.split(';')],
    );
    expect(found.words).toBe(words);
    expect(problemsOf(found.mapping).some((problem) => problem.includes('the time'))).toBe(words === '');
  });

  it.each([
    ['Gerät', 'a', 'device_id=Gerät', 0],
    ['serial', '17', 'device_id=serial', 0],
    ['MAC', '00:11:22:33:44:55', 'device_id=MAC', 0],
    ['id', 'a', 'device_id=id', 0],
    ['id', '1', '', 1],
    ['id;name', 'a;b', '', 1],
    ['place', 'hall', '', 1],
    ['temperature', '21.5', '', 0],
  ])('finds the device: %s %s', (names, row, words, doubts) => {
    const found = guess(
      ['timestamp', 'x', 'y', 'z', ...names.split(';')],
      ['2026-11-23', '1', '2', '3', ...row.split(';')],
    );
    expect(found.words).toBe(words);
    expect(found.doubts).toHaveLength(doubts);
  });

  it('finds a decimal comma in the first rows', () => {
    expect(
      guess(['device_id', 'x', 'y', 'z'], ['a', '0', '1', '2'], ['a', '0', '1,5', '2']).mapping
        .hasDecimalComma,
    ).toBe(true);
    expect(guess(['device_id', 'x', 'y', 'z'], ['a,1', '0', '1.5', '2']).mapping.hasDecimalComma).toBe(false);
  });

  it('finds the only form that all times have', () => {
    const form = (...times: string[]) =>
      guess(['ts', 'x', 'y', 'z'], ...times.map((time) => [time, '1', '2', '3'])).mapping.times.form;
    expect(form('23.11.2026 10:00:00')).toBe('%d.%m.%Y %H:%M:%S%.f');
    expect(form('03/04/2026 10:00', '13/04/2026 10:00')).toBe('%d/%m/%Y %H:%M');
    expect(form('03/04/2026 10:00')).toBeNull();
    expect(form('20261123100000')).toBe('%Y%m%d%H%M%S');
    expect(form('46349.4167', '46350')).toBe('excel');
    expect(form('2026-11-23T10:00:00Z')).toBeNull();
    expect(form('1795428000')).toBeNull();
    expect(form('0.01')).toBeNull();
  });
});

it('takes a table without a header by its values', () => {
  const rows: SourceRow[] = [{ number: 1, cells: ['pump', '2026-11-23T10:00:00Z', '1', '2.5', '-3'] }];
  const columns = [1, 2, 3, 4, 5].map((at) => textColumn(`Column ${at}`));
  expect(guessMapping(columns, rows, false).roles).toEqual(['device_id', 'timestamp', 'x', 'y', 'z']);
});

it.each([
  ['', 'unknown'],
  ['2026-11-23T10:00:00Z', 'moment'],
  ['23.11.2026 10:00:00,5', 'moment'],
  ['11/23/26 10:00 PM', 'moment'],
  ['1795428000', 'moment'],
  ['1795428000000', 'moment'],
  ['2026-11-23', 'date'],
  ['23.11.26', 'date'],
  ['10:00', 'time of day'],
  ['10:00:00,250', 'time of day'],
  ['1,5', 'number'],
  ['-0.25', 'number'],
  ['17', 'number'],
  ['pump', 'text'],
  ['00:11:22:33:44:55', 'text'],
])('sees the kind of %j', (text, kind) => expect(contentOf(text)).toBe(kind));
