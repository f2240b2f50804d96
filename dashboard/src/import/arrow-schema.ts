/**
 * The columns of an Arrow file, and the buffers in which a record batch stores each of them. (Arrow columnar
 * format 1.5.)
 */
import { FlatTable } from './flatbuffers';
import type { TimeUnit } from './time-units';

/** A type whose values are read. */
export type ArrowType =
  | { kind: 'int'; bits: number; isSigned: boolean }
  | { kind: 'float'; bits: number }
  | { kind: 'decimal'; bits: number; precision: number; scale: number }
  | { kind: 'text'; layout: 'offsets' | 'large offsets' | 'views' }
  | { kind: 'timestamp'; unit: TimeUnit; zone: string }
  | { kind: 'date'; isMillis: boolean }
  | { kind: 'time'; unit: TimeUnit; bits: number }
  | { kind: 'null' };

export interface ArrowField {
  name: string;
  /** `null` for a type that is not read. */
  type: ArrowType | null;
  /** Number of buffers of the field itself, and whether further ones follow, as many as the batch states. */
  buffers: number;
  isVariadic: boolean;
  children: ArrowField[];
  /** The dictionary that contains the values, and the type of the positions in it. */
  dictionary: { id: bigint; index: ArrowType } | null;
}

const UNITS: readonly TimeUnit[] = ['s', 'ms', 'us', 'ns'];
const FLOAT_BITS = [16, 32, 64];
/**
 * Numbers of buffers by the number of the type: Null, Int, Float, Binary, Utf8, Bool, Decimal, Date ...
 * LargeListView.
 */
const BUFFERS = [0, 0, 2, 2, 3, 3, 2, 2, 2, 2, 2, 2, 2, 1, 1, 2, 1, 2, 2, 3, 3, 2, 0, 2, 2, 3, 3];
const UNION = 14;
const [BINARY_VIEW, TEXT_VIEW] = [23, 24];

/** Returns the fields of a schema. `version` is the version of its message: 4 is the present one. */
export function fieldsOf(schema: FlatTable, version: number): ArrowField[] {
  return schema.tables(1).map((field) => fieldOf(field, version));
}

function fieldOf(field: FlatTable, version: number): ArrowField {
  const number = field.byte(2, 0);
  const details = field.table(3);
  const type = details ? typeOf(number, details) : null;
  const encoding = field.table(4);
  const name = field.text(0);
  if (encoding) {
    const index = encoding.table(1);
    const dictionary = {
      id: encoding.long(0),
      index: index ? intOf(index) : ({ kind: 'int', bits: 32, isSigned: true } as const),
    };
    return { name, type, buffers: 2, isVariadic: false, children: [], dictionary };
  }
  return {
    name,
    type,
    buffers: number === UNION ? unionBuffers(details, version) : (BUFFERS[number] ?? 0),
    isVariadic: number === BINARY_VIEW || number === TEXT_VIEW,
    children: field.tables(5).map((child) => fieldOf(child, version)),
    dictionary: null,
  };
}

/**
 * A union has types, and offsets if it is dense; before version 5 of the format (4), it also had a validity.
 */
function unionBuffers(details: FlatTable | null, version: number): number {
  return 1 + (details?.short(0, 0) === 1 ? 1 : 0) + (version < 4 ? 1 : 0);
}

function intOf(details: FlatTable): ArrowType {
  return { kind: 'int', bits: details.int(0, 0), isSigned: details.byte(1, 0) === 1 };
}

function typeOf(number: number, details: FlatTable): ArrowType | null {
  const unit = (otherwise: number): TimeUnit => UNITS[details.short(0, otherwise)] ?? 'us';
  switch (number) {
    case 1:
      return { kind: 'null' };
    case 2:
      return intOf(details);
    case 3:
      return { kind: 'float', bits: FLOAT_BITS[details.short(0, 0)] ?? 64 };
    case 5:
      return { kind: 'text', layout: 'offsets' };
    case 7:
      return {
        kind: 'decimal',
        precision: details.int(0, 0),
        scale: details.int(1, 0),
        bits: details.int(2, 128),
      };
    case 8:
      return { kind: 'date', isMillis: details.short(0, 1) === 1 };
    case 9:
      return { kind: 'time', unit: unit(1), bits: details.int(1, 32) };
    case 10:
      return { kind: 'timestamp', unit: unit(0), zone: details.text(1) };
    case 20:
      return { kind: 'text', layout: 'large offsets' };
    case TEXT_VIEW:
      return { kind: 'text', layout: 'views' };
    default:
      return null;
  }
}

/** Returns the name of a type for people. */
export function typeName(type: ArrowType | null): string {
  switch (type?.kind) {
    case 'int':
      return `${type.isSigned ? 'int' : 'uint'}${type.bits}`;
    case 'float':
      return `float${type.bits}`;
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`;
    case 'timestamp':
      return `time in ${type.unit}${type.zone ? `, ${type.zone}` : ''}`;
    case 'time':
      return 'time of day';
    default:
      return type?.kind ?? 'other';
  }
}
