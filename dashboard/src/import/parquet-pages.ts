/** Reads the values of a column of a Parquet row group, one page at a time. */
import { decompress } from 'fzstd';
import { snappyUncompress } from 'hyparquet/src/snappy.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors/src/lz4.js';

import type { Cell } from './cells';
import { readSlice, type Bytes } from './file-bytes';
import { FileFault } from './file-fault';
import {
  PARQUET_HEAD_BYTES_MAX,
  PARQUET_PAGE_BYTES_MAX,
  PARQUET_PAGE_VALUES_MAX,
  PIECE_BYTES,
} from './limits';
import type { Chunk, Leaf, Struct } from './parquet-metadata';
import type { ToCell } from './parquet-types';
import { cellsOf, dictionaryOf } from './parquet-values';

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2] = [0, 2, 3];
/** Size of the range in which the head of a page is first looked for, in bytes. */
const HEAD_BYTES = 64 * 1024;

export class PageReader {
  readonly #file: Blob;
  readonly #leaf: Leaf;
  readonly #toCell: ToCell;
  readonly #codec: string;
  readonly #end: number;
  #position: number;
  #dictionary: Cell[] | null = null;
  /** A range of the file that has been read. */
  #held: { begin: number; bytes: Bytes } = { begin: 0, bytes: new Uint8Array(0) };

  constructor(file: Blob, leaf: Leaf, toCell: ToCell, { codec, begin, end }: Chunk) {
    [this.#file, this.#leaf, this.#toCell, this.#codec] = [file, leaf, toCell, codec];
    [this.#position, this.#end] = [begin, end];
  }

  /** Returns the values of the next page; `null` after the last one. */
  async next(): Promise<Cell[] | null> {
    while (this.#position < this.#end) {
      const cells = await this.#readPage();
      if (cells) return cells;
    }
    return null;
  }

  /** Reads a page; returns `null` if it has no values of rows. */
  async #readPage(): Promise<Cell[] | null> {
    const { head, headBytes } = await this.#readHead();
    const {
      field_1: kind,
      field_2: size,
      field_3: stored,
      field_5: v1,
      field_7: dictionary,
      field_8: v2,
    } = head;
    checkLimits(size, stored, (v1 ?? dictionary ?? v2)?.field_1 ?? 0);
    const bytes = await this.#range(this.#position + headBytes, stored);
    if (bytes.length < stored) throw new FileFault('The Parquet file is cut off.');
    this.#position += headBytes + stored;
    const leaf = this.#leaf;
    if (kind === DICTIONARY_PAGE) {
      this.#dictionary = dictionaryOf(
        await this.#decompress(bytes, size),
        dictionary.field_1,
        leaf,
        this.#toCell,
      );
      return null;
    }
    if (kind === DATA_PAGE) {
      const page = await this.#decompress(bytes, size);
      const length = leaf.isOptional ? new DataView(page.buffer, page.byteOffset).getUint32(0, true) : 0;
      const begin = leaf.isOptional ? 4 + length : 0;
      const levels = leaf.isOptional ? page.subarray(4, begin) : null;
      const values = page.subarray(begin);
      return cellsOf(
        { count: v1.field_1, encoding: v1.field_2, levels, values },
        leaf,
        this.#toCell,
        this.#dictionary,
      );
    }
    if (kind !== DATA_PAGE_V2) return null;
    // In version 2, the levels before the values are not compressed, and have no length.
    const [repeated, begin] = [v2.field_6, v2.field_6 + v2.field_5];
    const rest = bytes.subarray(begin);
    const values =
      v2.field_7 === false || rest.length === 0 ? rest : await this.#decompress(rest, size - begin);
    const levels = leaf.isOptional ? bytes.subarray(repeated, begin) : null;
    return cellsOf(
      { count: v2.field_1, encoding: v2.field_4, levels, values },
      leaf,
      this.#toCell,
      this.#dictionary,
    );
  }

  async #decompress(bytes: Bytes, size: number): Promise<Uint8Array> {
    const page = await decompressPage(this.#codec, bytes, size);
    if (page.length !== size) throw new RangeError('a page has another size');
    return page;
  }

  async #readHead(): Promise<{ head: Struct; headBytes: number }> {
    for (let length = HEAD_BYTES; ; length *= 16) {
      const bytes = await this.#range(this.#position, Math.min(length, this.#end - this.#position));
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        return { head: deserializeTCompactProtocol(reader), headBytes: reader.offset };
      } catch (error) {
        // The head may be longer than the range, because it contains long statistics.
        if (length > PARQUET_HEAD_BYTES_MAX || bytes.length < length) throw error;
      }
    }
  }

  /** Returns a range of the file, or less at its end. Reads ahead, because most pages are small. */
  async #range(begin: number, length: number): Promise<Bytes> {
    const { begin: held, bytes } = this.#held;
    if (begin < held || begin + length > held + bytes.length) {
      const end = Math.max(begin + length, Math.min(begin + PIECE_BYTES, this.#end));
      this.#held = { begin, bytes: await readSlice(this.#file, begin, Math.min(end, this.#file.size)) };
    }
    const at = begin - this.#held.begin;
    return this.#held.bytes.subarray(at, at + length);
  }
}

function checkLimits(size: number, stored: number, values: number): void {
  if (!(size >= 0 && stored >= 0) || Math.max(size, stored) > PARQUET_PAGE_BYTES_MAX) {
    throw new FileFault('A page of the Parquet file has more than 256 MiB. Write it with smaller pages.');
  }
  if (!(values >= 0 && values <= PARQUET_PAGE_VALUES_MAX)) {
    throw new FileFault(
      'A page of the Parquet file has more than 16 million values. Write it with smaller pages.',
    );
  }
}

async function decompressPage(codec: string, bytes: Bytes, size: number): Promise<Uint8Array> {
  switch (codec) {
    case 'UNCOMPRESSED':
      return bytes;
    case 'SNAPPY': {
      const page = new Uint8Array(size);
      snappyUncompress(bytes, page);
      return page;
    }
    case 'GZIP': {
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
      return new Uint8Array(await new Response(stream).arrayBuffer());
    }
    case 'LZ4':
      return decompressLz4(bytes, size);
    case 'LZ4_RAW':
      return decompressLz4Raw(bytes, size);
    case 'ZSTD':
      return decompress(bytes, new Uint8Array(size));
    default:
      throw new FileFault(
        `The Parquet file is compressed with ${codec}. Write it with Snappy, gzip, LZ4 or zstd.`,
      );
  }
}
