/** The types of the columns of a Parquet file, and their values. */
import type { Cell } from './cells';
import type { Leaf } from './parquet-metadata';
import type { SourceColumn } from './row-source';
import { dateCell, decimalText, halfOf, timeOfCount, timeOfDayText } from './typed-cells';

/** Converts a value that is not null. */
export type ToCell = (value: never) => Cell;

/** Day of 1970-01-01 in the Julian calendar, in which INT96 counts. */
const JULIAN_DAY_1970 = 2_440_588n;
const NANOS_PER_DAY = 86_400_000_000_000n;
const decoder = new TextDecoder();

/** Returns the column for the page, and the conversion of its values. */
export function columnOf(leaf: Leaf): { column: SourceColumn; toCell: ToCell } {
  const described = describe(leaf);
  return described
    ? { column: { name: leaf.name, type: described[0], isReadable: true }, toCell: described[1] }
    : { column: { name: leaf.name, type: 'other', isReadable: false }, toCell: () => null };
}

/** Returns the name of a type and its conversion; `null` if it is not read. */
function describe({ physical, meaning }: Leaf): [string, ToCell] | null {
  const plain = (value: Cell): Cell => value;
  switch (meaning.kind) {
    case 'decimal':
      return [
        `decimal(${meaning.precision}, ${meaning.scale})`,
        (value: number | bigint | Uint8Array) => decimalText(wholeOf(value), meaning.scale),
      ];
    case 'timestamp':
      return [
        `time in ${meaning.unit}${meaning.isUtc ? ', UTC' : ''}`,
        (value: bigint) => timeOfCount(value, meaning.unit, meaning.isUtc),
      ];
    case 'time':
      return ['time of day', (value: bigint | number) => timeOfDayText(BigInt(value), meaning.unit)];
    case 'date':
      return ['date', dateCell];
    case 'half':
      return ['float16', ([low = 0, high = 0]: Uint8Array) => halfOf(low | (high << 8))];
    case 'other':
      return null;
  }
  const isUnsigned = meaning.kind === 'unsigned';
  switch (physical) {
    // A legacy INT96 is the time of a clock, as in `device-stats import`.
    case 'INT96':
      return ['time in ns', (value: bigint) => timeOfCount(nanosOf(value), 'ns', false)];
    case 'INT32':
      return isUnsigned ? ['uint32', (value: number) => value >>> 0] : ['int32', plain];
    case 'INT64':
      return isUnsigned ? ['uint64', (value: bigint) => BigInt.asUintN(64, value)] : ['int64', plain];
    case 'FLOAT':
      return ['float32', plain];
    case 'DOUBLE':
      return ['float64', plain];
    case 'BYTE_ARRAY':
      return ['text', (bytes: Uint8Array) => decoder.decode(bytes)];
    default:
      return null;
  }
}

/** Returns the nanoseconds since 1970: INT96 has a day above 64 bits of nanoseconds. */
function nanosOf(value: bigint): bigint {
  return ((value >> 64n) - JULIAN_DAY_1970) * NANOS_PER_DAY + (value & 0xffff_ffff_ffff_ffffn);
}

/** Returns the whole number of a decimal: an integer, or bytes with the highest one first. */
function wholeOf(value: number | bigint | Uint8Array): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value);
  let whole = 0n;
  for (const byte of value) whole = (whole << 8n) | BigInt(byte);
  return BigInt.asIntN(value.length * 8, whole);
}
