/** Reads the values of a column of a Parquet row group, one page at a time. */
import { decompress } from 'fzstd';
import type { CompressionCodec, ColumnMetaData, PageHeader } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert } from 'hyparquet/src/convert.js';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors/src/lz4.js';

import { readSlice, type Bytes } from './file-bytes';
import { FileFault } from './file-fault';
import {
  PARQUET_HEAD_BYTES_MAX,
  PARQUET_PAGE_BYTES_MAX,
  PARQUET_PAGE_VALUES_MAX,
  PIECE_BYTES,
} from './limits';
import { parsersOf, type ParquetColumn } from './parquet-types';

type Page = ArrayLike<unknown>;

/** The decompression of pages. The library itself contains Snappy, and the browser gzip. */
const COMPRESSORS = {
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
  ZSTD: (input: Uint8Array) => decompress(input),
};
const CODECS: readonly CompressionCodec[] = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZ4', 'LZ4_RAW', 'ZSTD'];

export class PageReader {
  readonly #decoder;
  readonly #isGzip: boolean;
  readonly #end: number;
  #position: number;
  #dictionary: Page | undefined;
  /** A range of the file that has been read. */
  #held: { begin: number; bytes: Bytes } = { begin: 0, bytes: new Uint8Array(0) };

  constructor(
    readonly file: Blob,
    column: ParquetColumn,
    chunk: ColumnMetaData,
  ) {
    const { codec, type, path_in_schema: pathInSchema } = chunk;
    if (!CODECS.includes(codec)) {
      throw new FileFault(
        `The Parquet file is compressed with ${codec}. Write it with Snappy, gzip, LZ4 or zstd.`,
      );
    }
    this.#isGzip = codec === 'GZIP';
    this.#decoder = {
      pathInSchema,
      type,
      element: column.element,
      schemaPath: column.path,
      codec: codec === 'GZIP' ? ('UNCOMPRESSED' as const) : codec,
      parsers: parsersOf(column),
      compressors: COMPRESSORS,
      utf8: column.type === 'text',
    };
    const dictionary = Number(chunk.dictionary_page_offset ?? 0);
    this.#position = Math.min(Number(chunk.data_page_offset), dictionary > 0 ? dictionary : Infinity);
    this.#end = this.#position + Number(chunk.total_compressed_size);
  }

  /** Returns the values of the next page; `null` after the last one. */
  async next(): Promise<Page | null> {
    while (this.#position < this.#end) {
      const page = await this.#readPage();
      if (page) return page;
    }
    return null;
  }

  /** Reads a page; `null` if it has no values of rows. */
  async #readPage(): Promise<Page | null> {
    const { header, headBytes } = await this.#readHeader();
    const size = header.compressed_page_size;
    if (!(size >= 0) || Math.max(size, header.uncompressed_page_size) > PARQUET_PAGE_BYTES_MAX) {
      throw new FileFault('A page of the Parquet file has more than 256 MiB. Write it with smaller pages.');
    }
    const values = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
    if (values && !(values.num_values >= 0 && values.num_values <= PARQUET_PAGE_VALUES_MAX)) {
      throw new FileFault(
        'A page of the Parquet file has more than 16 million values. Write it with smaller pages.',
      );
    }
    const bytes = await this.#range(this.#position + headBytes, size);
    if (bytes.length < size) throw new FileFault('The Parquet file is cut off.');
    this.#position += headBytes + size;
    if (header.type !== 'DICTIONARY_PAGE' && header.type !== 'DATA_PAGE' && header.type !== 'DATA_PAGE_V2')
      return null;
    const page = this.#isGzip ? await gunzipPage(header, bytes) : bytes;
    const reader = { view: new DataView(page.buffer, page.byteOffset, page.byteLength), offset: 0 };
    const plain = { ...header, compressed_page_size: page.length };
    const { data } = readPage(reader, plain, this.#decoder, this.#dictionary as unknown[], undefined, 0);
    if (header.type !== 'DICTIONARY_PAGE') return data ?? null;
    this.#dictionary = data && convert(data, this.#decoder);
    return null;
  }

  async #readHeader() {
    for (let length = 64 * 1024; ; length *= 16) {
      const bytes = await this.#range(this.#position, Math.min(length, this.#end - this.#position));
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
      try {
        return { header: parquetHeader(reader), headBytes: reader.offset };
      } catch (error) {
        // The head is longer than the range, because it contains long statistics.
        if (!(error instanceof RangeError) || length > PARQUET_HEAD_BYTES_MAX || bytes.length < length)
          throw error;
      }
    }
  }

  /** Returns a range of the file, or less at its end. Reads ahead, because most pages are small. */
  async #range(begin: number, length: number): Promise<Bytes> {
    const { begin: held, bytes } = this.#held;
    if (begin < held || begin + length > held + bytes.length) {
      const end = Math.min(
        Math.max(begin + length, Math.min(begin + PIECE_BYTES, this.#end)),
        this.file.size,
      );
      this.#held = { begin, bytes: await readSlice(this.file, begin, end) };
    }
    const at = begin - this.#held.begin;
    return this.#held.bytes.subarray(at, at + length);
  }
}

/** Decompresses a page. In version 2, the levels before the values are not compressed. */
async function gunzipPage({ data_page_header_v2: v2 }: PageHeader, bytes: Bytes): Promise<Bytes> {
  const levels = v2 ? v2.repetition_levels_byte_length + v2.definition_levels_byte_length : 0;
  const [head, values] = [bytes.subarray(0, levels), bytes.subarray(levels)];
  if (v2?.is_compressed === false || values.length === 0) return bytes;
  const stream = new Blob([values]).stream().pipeThrough(new DecompressionStream('gzip'));
  const whole = await new Response(stream).arrayBuffer();
  return new Uint8Array(await new Blob([head, whole]).arrayBuffer());
}
