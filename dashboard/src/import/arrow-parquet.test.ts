import { describe, expect, it } from 'vitest';

import { cellText } from './cells';
import { inspect } from './preview';
import { fileOf, fixture, open, rowsOf } from './test-files';

const READINGS = ['none', 'snappy', 'gzip', 'lz4', 'zstd', 'v2-snappy', 'v2-gzip', 'encoded', 'plain'].map(
  (codec) => `readings-${codec}.parquet`,
);
const ARROW = ['none', 'lz4', 'zstd'].map((codec) => `readings-${codec}.arrow`);

describe.each([...READINGS, ...ARROW])('%s', (name) => {
  it('has the readings that were written', async () => {
    const source = await open(fixture(name));
    expect(source.columns.map(({ name, type, isReadable }) => [name, isReadable && type])).toEqual([
      ['device_id', 'text'],
      ['timestamp', 'time in us, UTC'],
      ['x', 'float64'],
      ['y', 'float32'],
      ['z', 'int64'],
      ['tags', false],
    ]);
    expect(source.numbering).toBe('row');
    const rows = await rowsOf(source);
    expect(source.share()).toBe(1);
    expect(rows).toHaveLength(300);
    for (const [row, { number, cells }] of rows.entries()) {
      expect(number).toBe(row + 1);
      const time = { s: 1_795_428_000, us: 123_456 + row, kind: 'moment' };
      expect(cells).toEqual([
        `pump-${row % 2}`,
        row % 7 === 6 ? null : time,
        row % 11 === 10 ? null : row / 8,
        -row,
        2n ** 53n + BigInt(row),
        null,
      ]);
    }
  });

  it('reads only the columns in use', async () => {
    const rows = await rowsOf(await open(fixture(name)), new Set([0, 2]));
    expect(rows[5]?.cells).toEqual(['pump-1', null, 0.625, null, null, null]);
  });
});

it.each(['types.parquet', 'types.arrows'])('each type of %s has its exact value', async (name) => {
  const source = await open(fixture(name));
  const [row, nulls] = await rowsOf(source);
  const texts = Object.fromEntries(
    source.columns.map((column, at) => [column.name, cellText(row?.cells[at])]),
  );
  expect(texts).toEqual({
    text: 'é',
    int8: '-128',
    uint32: '4294967295',
    uint64: '18446744073709551615',
    half: '0.5',
    decimal: '-12345678901234567890.10',
    small_decimal: '-0.03',
    clock_ns: '2026-11-23T10:00:00.123456',
    moment_ms: '2026-11-23T10:00:00.250000Z',
    date: '1969-12-31',
    time: '10:00:00.250000',
  });
  expect(nulls?.cells.every((cell) => cell === null)).toBe(true);
  expect(source.columns.every((column) => column.isReadable)).toBe(true);
});

it.each(['none', 'zstd'])('finds the columns of Arrow beside all other types (%s)', async (codec) => {
  const source = await open(fixture(`others-${codec}.arrows`));
  const rows = await rowsOf(source);
  const read: Record<string, unknown[]> = {};
  for (const [at, { name, isReadable }] of source.columns.entries()) {
    const values = rows.map((row) => row.cells[at]);
    if (name.startsWith('x')) expect(values).toEqual([Number(name.slice(1)), null]);
    else if (isReadable)
      read[source.columns[at]!.type!] = [...(read[source.columns[at]!.type!] ?? []), values];
    else expect(values).toEqual([null, null]);
  }
  expect(read).toEqual({
    null: [[null, null]],
    text: [
      ['a', 'b'],
      ['large', null],
      ['inline', 'longer than twelve bytes'],
    ],
    int64: [[17n, null]],
  });
});

it('follows dictionaries of Arrow that grow and are replaced', async () => {
  const rows = await rowsOf(await open(fixture('dictionaries.arrows')));
  expect(rows.map(({ cells }) => cells[0])).toEqual(['a', 'a', 'b', 'a', 'c', null]);
});

it('reads the times of Spark and Impala', async () => {
  const [row] = await rowsOf(await open(fixture('int96.parquet')));
  expect(row?.cells).toEqual([{ s: 1_795_428_000, us: 123_456, kind: 'clock' }]);
});

it('says why a file cannot be read', async () => {
  const refuse = (file: File) => rowsOf_(file).catch((error: Error) => error.message);
  const rowsOf_ = async (file: File) => rowsOf(await open(file));
  expect(await refuse(fixture('readings-brotli.parquet'))).toBe(
    'The Parquet file is compressed with BROTLI. Write it with Snappy, gzip, LZ4 or zstd.',
  );
  const parquet = await fixture('readings-none.parquet').bytes();
  expect(await refuse(fileOf(parquet.subarray(0, 9_000), 'a.parquet'))).toBe('The Parquet file is cut off.');
  const arrow = await fixture('readings-none.arrow').bytes();
  expect(await refuse(fileOf(arrow.subarray(0, 9_000), 'a.arrow'))).toBe('The Arrow file is cut off.');
});

it('refuses damaged files with a reason', async () => {
  const parquet = await fixture('readings-none.parquet').bytes();
  const arrow = await fixture('readings-none.arrow').bytes();
  const damage = (whole: Uint8Array, at: number, name: string) =>
    fileOf(whole.slice().fill(0xff, at, at + 8), name);
  const files: File[] = [];
  for (let at = 4; at < parquet.length; at += 251) files.push(damage(parquet, at, 'a.parquet'));
  for (let at = 0; at < 4_000; at += 151) files.push(damage(arrow, at, 'a.arrow'));
  for (const file of files) {
    const outcome = await open(file)
      .then((source) => rowsOf(source))
      .catch((error: Error) => error);
    // Damage of a name or of padding is not noticed.
    if (outcome instanceof Error) expect(outcome.name, outcome.stack).toBe('FileFault');
  }
}, 20_000);

it('guesses the columns', async () => {
  const { guess, rowCount } = (await inspect(fixture('readings-snappy.parquet'), null)).preview;
  expect(guess.roles).toEqual(['device_id', 'timestamp', 'x', 'y', 'z', null]);
  expect(rowCount).toBe(300);
});
