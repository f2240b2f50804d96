/** The types of the columns of a Parquet file, and their values. */
import { parquetSchema, type FileMetaData, type SchemaElement, type SchemaTree } from 'hyparquet';

import type { Cell } from './cells';
import type { TimeUnit } from './time-units';
import type { SourceColumn } from './row-source';
import { dateCell, decimalText, timeOfCount, timeOfDayText } from './typed-cells';

/** A column without nested values. */
export interface ParquetColumn extends SourceColumn {
  /** Position of its chunk in each row group. */
  chunk: number;
  path: SchemaTree[];
  element: SchemaElement;
  /** Converts a value that is not null. */
  toCell: (value: unknown) => Cell;
}

const UNITS: Record<string, TimeUnit> = { MILLIS: 'ms', MICROS: 'us', NANOS: 'ns' };
const plain = (value: unknown) => value as Cell;

/** Returns the columns of a file. The chunks of a row group are the leaves of the schema, in its order. */
export function columnsOf(metadata: FileMetaData): ParquetColumn[] {
  const root = parquetSchema(metadata);
  let chunk = 0;
  return root.children.map((tree) => {
    const leaves = leafCount(tree);
    const isFlat = tree.children.length === 0 && tree.element.repetition_type !== 'REPEATED';
    const described = isFlat ? describe(tree.element) : null;
    const { type, element, toCell } = described ?? {
      type: 'other',
      element: tree.element,
      toCell: () => null,
    };
    const column = {
      name: tree.element.name,
      type,
      isReadable: described !== null,
      chunk,
      path: [root, tree],
      element,
      toCell,
    };
    chunk += leaves;
    return column;
  });
}

function leafCount(tree: SchemaTree): number {
  return tree.children.length === 0 ? 1 : tree.children.reduce((sum, child) => sum + leafCount(child), 0);
}

interface Described {
  type: string;
  /** What the library is told about the column. */
  element: SchemaElement;
  toCell: (value: unknown) => Cell;
}

/** Returns the name of a type and its conversion; `null` if it is not read. */
function describe(element: SchemaElement): Described | null {
  const { type, converted_type: converted, logical_type: logical } = element;
  const as = (name: string, toCell: (value: unknown) => Cell = plain): Described => ({
    type: name,
    element,
    toCell,
  });
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') return describeDecimal(element);
  if (logical?.type === 'TIMESTAMP' || converted === 'TIMESTAMP_MILLIS' || converted === 'TIMESTAMP_MICROS') {
    const unit =
      logical?.type === 'TIMESTAMP' ? UNITS[logical.unit] : converted === 'TIMESTAMP_MILLIS' ? 'ms' : 'us';
    const isUtc = logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : true;
    return as(`time in ${unit}${isUtc ? ', UTC' : ''}`);
  }
  if (logical?.type === 'TIME' || converted === 'TIME_MILLIS' || converted === 'TIME_MICROS') {
    const unit =
      logical?.type === 'TIME' ? (UNITS[logical.unit] ?? 'us') : converted === 'TIME_MILLIS' ? 'ms' : 'us';
    return as('time of day', (value) => timeOfDayText(BigInt(value as bigint | number), unit));
  }
  if (converted === 'DATE' || logical?.type === 'DATE') return as('date');
  if (logical?.type === 'FLOAT16') return as('float16');
  switch (type) {
    case 'INT96':
      return as('time in ns');
    case 'INT32':
      return as(converted === 'UINT_32' ? 'uint32' : 'int32');
    case 'INT64':
      return as(converted === 'UINT_64' ? 'uint64' : 'int64');
    case 'FLOAT':
      return as('float32');
    case 'DOUBLE':
      return as('float64');
    case 'BYTE_ARRAY':
      return converted === 'JSON' || converted === 'BSON' ? null : as('text');
    default:
      return null;
  }
}

/** The library would convert decimals to doubles. Without the type, it returns their whole numbers. */
function describeDecimal(element: SchemaElement): Described {
  const { scale = 0, precision = 0, ...rest } = element;
  const { converted_type: _converted, logical_type: _logical, ...untyped } = rest;
  const toCell = (value: unknown) => decimalText(wholeOf(value as number | bigint | Uint8Array), scale);
  return { type: `decimal(${precision}, ${scale})`, element: untyped, toCell };
}

function wholeOf(value: number | bigint | Uint8Array): bigint {
  if (!(value instanceof Uint8Array)) return BigInt(value);
  let whole = 0n;
  for (const byte of value) whole = (whole << 8n) | BigInt(byte);
  return BigInt.asIntN(value.length * 8, whole);
}

const decoder = new TextDecoder();

/** Conversions by the library. A legacy INT96 is the time of a clock, as in `device-stats import`. */
export function parsersOf({ element }: ParquetColumn) {
  const { type, logical_type: logical } = element;
  const isMoment = type !== 'INT96' && (logical?.type === 'TIMESTAMP' ? logical.isAdjustedToUTC : true);
  const none = () => null;
  return {
    timestampFromMilliseconds: (count: bigint) => timeOfCount(BigInt(count), 'ms', isMoment),
    timestampFromMicroseconds: (count: bigint) => timeOfCount(BigInt(count), 'us', isMoment),
    timestampFromNanoseconds: (count: bigint) => timeOfCount(BigInt(count), 'ns', isMoment),
    dateFromDays: dateCell,
    stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
    jsonFromBytes: none,
    geometryFromBytes: none,
    geographyFromBytes: none,
    uuidFromBytes: none,
  };
}
