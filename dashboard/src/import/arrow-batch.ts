/** The values of a record batch of Arrow, by column and row. */
import type { ArrowField, ArrowType } from './arrow-schema';
import type { Cell } from './cells';
import type { FlatTable } from './flatbuffers';
import { ARROW_BATCH_ROWS_MAX } from './limits';
import { dateCell, decimalText, halfOf, timeOfCount, timeOfDayText } from './typed-cells';

/** Returns the value of a row; `null` for an absent one. */
export type CellReader = (row: number) => Cell;
/** Decompresses a buffer whose size is known. `codec` is 0 for frames of LZ4, 1 for zstd. */
export type Decompress = (codec: number, data: Uint8Array, size: number) => Uint8Array;

const decoder = new TextDecoder();
const none: CellReader = () => null;

/** Reads the columns of a batch in their order. */
export class BatchColumns {
  /** Number of rows. */
  readonly length: number;
  readonly #nodes: number[][];
  readonly #buffers: number[][];
  readonly #variadic: number[][];
  readonly #codec: number | null;
  #node = 0;
  #buffer = 0;
  #view = 0;

  constructor(
    batch: FlatTable,
    readonly body: Uint8Array,
    readonly decompress: Decompress,
  ) {
    this.length = Number(batch.long(0));
    if (this.length < 0 || this.length > ARROW_BATCH_ROWS_MAX)
      throw new RangeError('the batch has too many rows');
    this.#nodes = batch.longs(1, 2);
    this.#buffers = batch.longs(2, 2);
    this.#codec = batch.table(3)?.byte(0, 0) ?? null;
    this.#variadic = batch.longs(4, 1);
  }

  /** Returns the reader of the next column. Without `isUsed`, its buffers are only skipped. */
  next(field: ArrowField, dictionaries: ReadonlyMap<bigint, Cell[]>, isUsed: boolean): CellReader {
    const nulls = this.#nodes[this.#node++]?.[1] ?? 0;
    const first = this.#buffer;
    this.#buffer += field.buffers;
    if (field.isVariadic) this.#buffer += this.#variadic[this.#view++]?.[0] ?? 0;
    const end = this.#buffer;
    for (const child of field.children) this.next(child, dictionaries, false);
    const type = field.dictionary ? field.dictionary.index : field.type;
    if (!isUsed || !type || !field.type || type.kind === 'null') return none;
    const read = this.#reader(type, first, end);
    const value = field.dictionary ? throughDictionary(read, dictionaries.get(field.dictionary.id)) : read;
    if (nulls === 0) return value;
    const validity = this.#bytes(first);
    return (row) => (((validity[row >> 3] ?? 0) >> (row & 7)) & 1 ? value(row) : null);
  }

  #reader(type: Exclude<ArrowType, { kind: 'null' }>, first: number, end: number): CellReader {
    const values = viewOf(this.#bytes(first + 1));
    switch (type.kind) {
      case 'int':
        return intReader(values, type.bits, type.isSigned);
      case 'float':
        return floatReader(values, type.bits);
      case 'decimal':
        return (row) => decimalText(wholeAt(values, row * (type.bits / 8), type.bits), type.scale);
      case 'text':
        return type.layout === 'views'
          ? viewReader(values, this.#range(first + 2, end))
          : textReader(values, this.#bytes(first + 2), type.layout === 'offsets' ? 4 : 8);
      case 'timestamp':
        return (row) => timeOfCount(values.getBigInt64(row * 8, true), type.unit, type.zone !== '');
      case 'date':
        if (type.isMillis) return (row) => timeOfCount(values.getBigInt64(row * 8, true), 'ms', false);
        return (row) => dateCell(values.getInt32(row * 4, true));
      case 'time':
        return (row) => timeOfDayText(wholeAt(values, row * (type.bits / 8), type.bits), type.unit);
    }
  }

  #range(first: number, end: number): Uint8Array[] {
    return Array.from({ length: end - first }, (_, index) => this.#bytes(first + index));
  }

  /** Returns a buffer, decompressed. */
  #bytes(index: number): Uint8Array {
    const [offset = 0, length = 0] = this.#buffers[index] ?? [];
    const stored = this.body.subarray(offset, offset + length);
    if (this.#codec === null || length === 0) return stored;
    const size = Number(viewOf(stored).getBigInt64(0, true));
    return size === -1 ? stored.subarray(8) : this.decompress(this.#codec, stored.subarray(8), size);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function throughDictionary(index: CellReader, values: readonly Cell[] | undefined): CellReader {
  if (!values) throw new RangeError('a dictionary is missing');
  return (row) => values[Number(index(row))] ?? null;
}

function intReader(values: DataView, bits: number, isSigned: boolean): CellReader {
  switch (bits) {
    case 8:
      return isSigned ? (row) => values.getInt8(row) : (row) => values.getUint8(row);
    case 16:
      return isSigned ? (row) => values.getInt16(row * 2, true) : (row) => values.getUint16(row * 2, true);
    case 32:
      return isSigned ? (row) => values.getInt32(row * 4, true) : (row) => values.getUint32(row * 4, true);
    default:
      return isSigned
        ? (row) => values.getBigInt64(row * 8, true)
        : (row) => values.getBigUint64(row * 8, true);
  }
}

function floatReader(values: DataView, bits: number): CellReader {
  if (bits === 64) return (row) => values.getFloat64(row * 8, true);
  if (bits === 32) return (row) => values.getFloat32(row * 4, true);
  return (row) => halfOf(values.getUint16(row * 2, true));
}

/** Reads a signed integer of any number of bytes. */
function wholeAt(values: DataView, at: number, bits: number): bigint {
  let whole = 0n;
  for (let byte = bits / 8 - 1; byte >= 0; byte -= 1)
    whole = (whole << 8n) | BigInt(values.getUint8(at + byte));
  return BigInt.asIntN(bits, whole);
}

function textReader(offsets: DataView, bytes: Uint8Array, width: 4 | 8): CellReader {
  const offset = (row: number) =>
    width === 4 ? offsets.getInt32(row * 4, true) : Number(offsets.getBigInt64(row * 8, true));
  return (row) => decoder.decode(bytes.subarray(offset(row), offset(row + 1)));
}

/** A view has the length and either up to 12 bytes, or the position in one of the other buffers. */
function viewReader(views: DataView, buffers: readonly Uint8Array[]): CellReader {
  return (row) => {
    const at = row * 16;
    const length = views.getInt32(at, true);
    if (length <= 12) return decoder.decode(new Uint8Array(views.buffer, views.byteOffset + at + 4, length));
    const offset = views.getInt32(at + 12, true);
    return decoder.decode(buffers[views.getInt32(at + 8, true)]?.subarray(offset, offset + length));
  };
}
