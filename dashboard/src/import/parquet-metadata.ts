/**
 * The table of contents of a Parquet file: its columns and the positions of their values. (Parquet format 2.11,
 * `parquet.thrift`.) Only the members that a reader of flat columns needs are read.
 */
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';

import type { TimeUnit } from './time-units';

/** A structure of Thrift: its members by their numbers, such as `field_1`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the types of the members depend on the structure
export type Struct = Record<`field_${number}`, any>;

export const PHYSICAL_TYPES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'INT96',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;
export type PhysicalType = (typeof PHYSICAL_TYPES)[number];

/** The meaning of the values of a column. */
export type Meaning =
  | { kind: 'plain' | 'text' | 'date' | 'half' | 'unsigned' | 'other' }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'time'; unit: TimeUnit }
  | { kind: 'timestamp'; unit: TimeUnit; isUtc: boolean };

/** A column of the top level. */
export interface Leaf {
  name: string;
  /** `null` for nested and repeated values. */
  physical: PhysicalType | null;
  /** Number of bytes of values of a fixed length. */
  length: number | undefined;
  isOptional: boolean;
  meaning: Meaning;
  /** Position of its chunk in each row group. */
  chunk: number;
}

/** The values of a column in a row group. */
export interface Chunk {
  codec: string;
  /** Range of the file that contains its pages. */
  begin: number;
  end: number;
}

export interface Metadata {
  rowCount: number;
  columns: Leaf[];
  groups: { rowCount: number; chunks: (Chunk | null)[] }[];
}

const CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD', 'LZ4_RAW'];
const [OPTIONAL, REPEATED] = [1, 2];
const decoder = new TextDecoder();

/** Reads the table of contents. */
export function readMetadata(bytes: Uint8Array): Metadata {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const file: Struct = deserializeTCompactProtocol({ view, offset: 0 });
  return {
    rowCount: Number(file.field_3),
    columns: columnsOf(file.field_2),
    groups: file.field_4.map((group: Struct) => ({
      rowCount: Number(group.field_3),
      chunks: group.field_1.map((chunk: Struct) => chunkOf(chunk.field_3)),
    })),
  };
}

/** The elements of the schema are in preorder. The first one is the root. */
function columnsOf(schema: readonly Struct[]): Leaf[] {
  let at = 1;
  let chunk = 0;
  /** Passes over an element with its children, and counts the columns with values. */
  function skip(): void {
    const { field_5: children = 0 } = schema[at++] ?? {};
    if (!children) chunk += 1;
    for (let child = 0; child < children; child += 1) skip();
  }
  return Array.from({ length: schema[0]?.field_5 ?? 0 }, () => {
    const element = schema[at] ?? {};
    const leaf = leafOf(element, chunk);
    skip();
    return leaf;
  });
}

function leafOf(element: Struct, chunk: number): Leaf {
  const isFlat = !element.field_5 && element.field_3 !== REPEATED;
  return {
    name: decoder.decode(element.field_4),
    physical: isFlat ? (PHYSICAL_TYPES[element.field_1] ?? null) : null,
    length: element.field_2,
    isOptional: element.field_3 === OPTIONAL,
    meaning: meaningOf(element),
    chunk,
  };
}

function meaningOf(element: Struct): Meaning {
  const logical: Struct = element.field_10 ?? {};
  const converted: number | undefined = element.field_6;
  if (logical.field_5 || converted === 5) {
    return { kind: 'decimal', precision: element.field_8 ?? 0, scale: element.field_7 ?? 0 };
  }
  if (logical.field_8)
    return { kind: 'timestamp', unit: unitOf(logical.field_8), isUtc: logical.field_8.field_1 };
  if (converted === 9 || converted === 10)
    return { kind: 'timestamp', unit: converted === 9 ? 'ms' : 'us', isUtc: true };
  if (logical.field_7) return { kind: 'time', unit: unitOf(logical.field_7) };
  if (converted === 7 || converted === 8) return { kind: 'time', unit: converted === 7 ? 'ms' : 'us' };
  if (logical.field_6 || converted === 6) return { kind: 'date' };
  if (logical.field_15) return { kind: 'half' };
  if (
    logical.field_10?.field_2 === false ||
    (converted !== undefined && converted >= 11 && converted <= 14)
  ) {
    return { kind: 'unsigned' };
  }
  // JSON, BSON and an interval have no meaning for a reading.
  if (logical.field_12 || logical.field_13 || (converted !== undefined && converted >= 19))
    return { kind: 'other' };
  return {
    kind: logical.field_1 || logical.field_4 || converted === 0 || converted === 4 ? 'text' : 'plain',
  };
}

function unitOf({ field_2: unit }: Struct): TimeUnit {
  return unit?.field_1 ? 'ms' : unit?.field_3 ? 'ns' : 'us';
}

function chunkOf(meta: Struct | undefined): Chunk | null {
  if (!meta) return null; // An encrypted column.
  const dictionary = Number(meta.field_11 ?? 0);
  const begin = Math.min(Number(meta.field_9), dictionary > 0 ? dictionary : Infinity);
  return { codec: CODECS[meta.field_4] ?? 'an unknown codec', begin, end: begin + Number(meta.field_7) };
}
