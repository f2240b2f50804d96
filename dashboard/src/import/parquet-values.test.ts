import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readRuns } from './parquet-values';

function varint(number: number): number[] {
  return number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))];
}

/** Writes numbers of `width` bits: in groups of eight, or as a run of equal numbers. */
function write(numbers: number[], width: number, isRun: boolean): number[] {
  if (isRun) {
    const [number = 0] = numbers;
    const bytes = Array.from(
      { length: Math.ceil(width / 8) },
      (_, byte) => Math.floor(number / 2 ** (8 * byte)) % 256,
    );
    return [...varint(numbers.length * 2), ...bytes];
  }
  const groups = Math.ceil(numbers.length / 8);
  const bits = Array.from({ length: groups * 8 }, (_, at) => BigInt(numbers[at] ?? 0)).reduce(
    (all, number, at) => all | (number << BigInt(at * width)),
    0n,
  );
  const bytes = Array.from({ length: groups * width }, (_, at) => Number((bits >> BigInt(8 * at)) & 0xffn));
  return [...varint(groups * 2 + 1), ...bytes];
}

describe('numbers in runs', () => {
  it('are restored', () => {
    const width = fc.integer({ min: 1, max: 32 });
    const runs = width.chain((width) =>
      fc.record({
        width: fc.constant(width),
        packed: fc
          .array(fc.integer({ min: 0, max: 2 ** width - 1 }), { minLength: 1, maxLength: 4 })
          .map((few) => [...few, ...few, ...few, ...few, ...few, ...few, ...few, ...few]),
        equal: fc.integer({ min: 0, max: 2 ** width - 1 }),
        count: fc.integer({ min: 1, max: 300 }),
        last: fc.array(fc.integer({ min: 0, max: 2 ** width - 1 }), { minLength: 1, maxLength: 12 }),
      }),
    );
    fc.assert(
      fc.property(runs, ({ width, packed, equal, count, last }) => {
        const run = Array.from({ length: count }, () => equal);
        const bytes = [
          ...write(packed, width, false),
          ...write(run, width, true),
          ...write(last, width, false),
        ];
        const numbers = [...packed, ...run, ...last];
        expect([...readRuns(Uint8Array.from(bytes), width, numbers.length)]).toEqual(numbers);
      }),
    );
  });

  it('never exceed the page, whatever the runs state', () => {
    expect([...readRuns(Uint8Array.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 1]), 1, 3)]).toEqual([1, 1, 1]);
    expect(() => readRuns(Uint8Array.from([3]), 1, 8)).toThrow(RangeError);
    expect(() => readRuns(new Uint8Array(8), 1, 1)).toThrow(RangeError);
    expect([...readRuns(new Uint8Array(0), 0, 2)]).toEqual([0, 0]);
  });
});
