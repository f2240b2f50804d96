/** The values of a page of a flat column of Parquet, after its decompression. (Parquet format 2.11, encodings.) */
import { deltaBinaryUnpack, deltaByteArray, deltaLengthByteArray } from 'hyparquet/src/delta.js';
import { byteStreamSplit } from 'hyparquet/src/encoding.js';
import { readPlain } from 'hyparquet/src/plain.js';

import type { Cell } from './cells';
import type { Leaf, PhysicalType } from './parquet-metadata';
import type { ToCell } from './parquet-types';

export interface Page {
  /** Number of values, nulls included. */
  count: number;
  encoding: number;
  /** Which values are not null: bits in runs; `null` if all are. */
  levels: Uint8Array | null;
  /** The values that are not null. */
  values: Uint8Array;
}

/** Returns the cells of a page. `dictionary` contains the cells of a dictionary page, if there is one. */
export function cellsOf(page: Page, leaf: Leaf, toCell: ToCell, dictionary: readonly Cell[] | null): Cell[] {
  const levels = page.levels ? readRuns(page.levels, 1, page.count) : null;
  const count = levels ? levels.reduce((sum, level) => sum + level, 0) : page.count;
  const values = valuesOf(page, leaf, count, toCell, dictionary);
  if (!levels) return values;
  let at = 0;
  return Array.from(levels, (level) => (level ? (values[at++] ?? null) : null));
}

/** Returns the cells of a dictionary page. */
export function dictionaryOf(bytes: Uint8Array, count: number, leaf: Leaf, toCell: ToCell): Cell[] {
  return convert(readPlain(readerOf(bytes), leaf.physical!, count, leaf.length), toCell);
}

function valuesOf(
  { encoding, values }: Page,
  leaf: Leaf,
  count: number,
  toCell: ToCell,
  dictionary: readonly Cell[] | null,
): Cell[] {
  const physical: PhysicalType = leaf.physical!;
  const reader = readerOf(values);
  switch (encoding) {
    case 0:
      return convert(readPlain(reader, physical, count, leaf.length), toCell);
    case 2:
    case 8: {
      if (count === 0) return [];
      const indices = readRuns(values.subarray(1), values[0] ?? 0, count);
      return Array.from(indices, (index) => dictionary?.[index] ?? null);
    }
    case 5: {
      const whole = physical === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
      if (count > 0) deltaBinaryUnpack(reader, count, whole);
      return convert(whole, toCell);
    }
    case 6:
    case 7: {
      const texts: Uint8Array[] = [];
      if (count > 0) (encoding === 6 ? deltaLengthByteArray : deltaByteArray)(reader, count, texts);
      return convert(texts, toCell);
    }
    case 9:
      return convert(byteStreamSplit(reader, count, physical, leaf.length), toCell);
    default:
      throw new Error(`the encoding ${encoding} is not known`);
  }
}

function convert(values: ArrayLike<unknown>, toCell: ToCell): Cell[] {
  return Array.from(values, (value) => toCell(value as never));
}

function readerOf(bytes: Uint8Array) {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

/**
 * Reads numbers of `width` bits, as runs of one number or packed in groups of eight. Never returns more than `count`
 * numbers, whatever the runs state.
 */
export function readRuns(bytes: Uint8Array, width: number, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  // All numbers are 0, and some writers add no run.
  if (width === 0) return numbers;
  const byteCount = Math.ceil(width / 8);
  let [at, filled] = [0, 0];
  while (filled < count) {
    let [head, shift] = [0, 0];
    for (let byte = 0x80; byte & 0x80; shift += 7) {
      byte = byteAt(bytes, at++);
      head += (byte & 0x7f) * 2 ** shift;
    }
    if (head % 2 === 0) {
      let number = 0;
      for (let byte = 0; byte < byteCount; byte += 1) number += byteAt(bytes, at++) * 2 ** (8 * byte);
      const end = Math.min(count, filled + head / 2);
      numbers.fill(number, filled, end);
      filled = end;
    } else {
      const packed = Math.min(count - filled, ((head - 1) / 2) * 8);
      unpack(bytes.subarray(at), width, numbers.subarray(filled, filled + packed));
      filled += packed;
      at += ((head - 1) / 2) * width;
    }
  }
  return numbers;
}

/** Reads numbers of `width` bits, with the lowest bits first. */
function unpack(bytes: Uint8Array, width: number, numbers: Uint32Array): void {
  let [at, held, bits] = [0, 0, 0];
  for (let index = 0; index < numbers.length; index += 1) {
    // A multiplication, because a shift is limited to 32 bits: up to 39 bits are held.
    for (; bits < width; bits += 8) held += byteAt(bytes, at++) * 2 ** bits;
    numbers[index] = held % 2 ** width;
    held = Math.floor(held / 2 ** width);
    bits -= width;
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw new RangeError('the page is cut off');
  return byte;
}
