import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { Moment } from './cells';
import { CsvReader } from './csv-reader';
import { epochToMoment, parseEpochNumber } from './epoch-number';
import { PART_BYTES_MAX, PART_DEVICES_MAX, PART_ROWS_MAX } from './limits';
import { PartBuilder, type Part, type Span } from './part-builder';
import type { ReadingRow, RejectedRow } from './rows';
import { overlap } from './sender';

function reading(number: number, device: string, time: Moment | null): ReadingRow {
  return { number, device, time, x: '1.5', y: '-0', z: String(number) };
}

function partsOf(rows: (ReadingRow | RejectedRow)[]): Part[] {
  const builder = new PartBuilder();
  const parts = rows.flatMap((row, at) => (builder.add(row) ? [builder.take(at / rows.length)] : []));
  return builder.isEmpty ? parts : [...parts, builder.take(1)];
}

const rowsOf = (part: Part) =>
  new CsvReader(',').read(new TextDecoder().decode(part.body), true).map(({ cells }) => cells);

it('writes every time with all its digits', () => {
  const moment = fc.record({
    s: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
    us: fc.integer({ min: 0, max: 999_999 }),
  });
  fc.assert(
    fc.property(fc.array(moment, { minLength: 1, maxLength: 20 }), (times) => {
      const [part] = partsOf(times.map((time, at) => reading(at, 'a', time)));
      const sent = rowsOf(part!)
        .slice(1)
        .map((cells) => epochToMoment(parseEpochNumber(cells[1]!)!, 's'));
      expect(sent).toEqual(times);
    }),
  );
});

it('ends a part at each limit', () => {
  const rows = (count: number, device: (at: number) => string) =>
    Array.from({ length: count }, (_, at) => reading(at, device(at), { s: at, us: 0 }));
  const sizes = (parts: Part[]) => parts.map((part) => part.numbers.length);
  expect(sizes(partsOf(rows(2 * PART_ROWS_MAX + 1, () => 'a')))).toEqual([PART_ROWS_MAX, PART_ROWS_MAX, 1]);
  expect(sizes(partsOf(rows(PART_DEVICES_MAX + 1, String)))).toEqual([PART_DEVICES_MAX, 1]);
  const wide = partsOf(rows(10_000, () => 'ä'.repeat(127)));
  expect(wide.length).toBeGreaterThan(1);
  for (const part of wide) expect(part.body.length).toBeLessThanOrEqual(PART_BYTES_MAX + 400);
  const rejected = { number: 1, values: [], faults: [] };
  expect(partsOf(Array.from({ length: 1_001 }, () => rejected)).map((part) => part.rejected.length)).toEqual([
    1_000, 1,
  ]);
});

it('knows the rows, the devices and the times of a part', () => {
  const [part] = partsOf([
    reading(2, '=a,"b"', { s: 5, us: 1 }),
    { number: 3, values: ['b'], faults: [] },
    reading(4, 'c', null),
    reading(9, '=a,"b"', { s: 3, us: 0 }),
  ]);
  expect(rowsOf(part!)).toEqual([
    ['device_id', 'timestamp', 'x', 'y', 'z'],
    [`'=a,"b"`, '5.000001', '1.5', '-0', '2'],
    ['c', '', '1.5', '-0', '4'],
    [`'=a,"b"`, '3', '1.5', '-0', '9'],
  ]);
  expect([...part!.numbers]).toEqual([2, 4, 9]);
  expect(part).toMatchObject({ untimed: 1, rejected: [{ number: 3 }], progress: 1 });
  expect(part!.spans).toEqual([
    { device: '=a,"b"', minUs: 3_000_000, maxUs: 5_000_001 },
    { device: 'c', minUs: Infinity, maxUs: -Infinity },
  ]);
});

it('finds parts with the same device and overlapping times', () => {
  const span = (device: string, minUs: number, maxUs: number): Span => ({ device, minUs, maxUs });
  expect(overlap([span('a', 0, 5), span('b', 0, 9)], [span('b', 9, 12)])).toBe(true);
  expect(overlap([span('a', 0, 5)], [span('a', 6, 7), span('b', 0, 5)])).toBe(false);
  expect(overlap([span('a', 0, 5)], [span('a', Infinity, -Infinity)])).toBe(false);
});
