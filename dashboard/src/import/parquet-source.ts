/** The rows of a Parquet file. Only the pages in use are held in memory. Loaded only for such files. */
import { parquetMetadataAsync, type ColumnMetaData, type FileMetaData } from 'hyparquet';

import type { Cell, SourceRow } from './cells';
import { readSlice } from './file-bytes';
import { FileFault } from './file-fault';
import { BATCH_ROWS_MAX, COLUMNS_MAX, PARQUET_FOOTER_BYTES_MAX } from './limits';
import { PageReader } from './parquet-pages';
import { columnsOf, type ParquetColumn } from './parquet-types';
import type { RowSource } from './row-source';

export async function openParquet(file: Blob): Promise<RowSource> {
  const metadata = await metadataOf(file);
  const columns = columnsOf(metadata);
  if (columns.length > COLUMNS_MAX) throw new FileFault(`The file has more than ${COLUMNS_MAX} columns.`);
  const rowCount = Number(metadata.num_rows);
  let read = 0;
  async function* rows(used: ReadonlySet<number> | null): AsyncGenerator<SourceRow[], void, undefined> {
    read = 0;
    for (const { columns: chunks, num_rows: count } of metadata.row_groups) {
      const values = columns.map((column, at) => {
        const chunk = chunks[column.chunk]?.meta_data;
        return chunk && column.isReadable && used?.has(at) !== false
          ? new ColumnValues(file, column, chunk)
          : null;
      });
      for (let left = Number(count); left > 0; left -= BATCH_ROWS_MAX) {
        const length = Math.min(left, BATCH_ROWS_MAX);
        const batch = await describingFaults(() =>
          Promise.all(values.map((column) => column?.take(length) ?? null)),
        );
        const first = read + 1;
        read += length;
        yield Array.from({ length }, (_, row) => ({
          number: first + row,
          cells: batch.map((cells) => cells?.[row] ?? null),
        }));
      }
    }
  }
  return { columns, numbering: 'row', rowCount, rows, share: () => (rowCount === 0 ? 1 : read / rowCount) };
}

/** The values of a column of a row group, in order. */
class ColumnValues {
  readonly #pages: PageReader;
  readonly #toCell: (value: unknown) => Cell;
  #page: ArrayLike<unknown> = [];
  #at = 0;

  constructor(file: Blob, column: ParquetColumn, chunk: ColumnMetaData) {
    this.#pages = new PageReader(file, column, chunk);
    this.#toCell = column.toCell;
  }

  async take(count: number): Promise<Cell[]> {
    const cells: Cell[] = [];
    while (cells.length < count) {
      if (this.#at >= this.#page.length) {
        const page = await this.#pages.next();
        if (!page) throw new FileFault('The Parquet file is damaged: a column has too few values.');
        this.#page = page;
        this.#at = 0;
      }
      const end = Math.min(this.#page.length, this.#at + count - cells.length);
      for (; this.#at < end; this.#at += 1) {
        const value = this.#page[this.#at];
        cells.push(value === null || value === undefined ? null : this.#toCell(value));
      }
    }
    return cells;
  }
}

async function metadataOf(file: Blob): Promise<FileMetaData> {
  const end = await readSlice(file, Math.max(0, file.size - 8), file.size);
  const size = end.length === 8 ? new DataView(end.buffer).getUint32(0, true) : 0;
  if (String.fromCharCode(...end.subarray(4)) !== 'PAR1') throw new FileFault('The Parquet file is cut off.');
  if (size > PARQUET_FOOTER_BYTES_MAX)
    throw new FileFault('The table of contents of the Parquet file has more than 64 MiB.');
  const slice = async (from: number, to = file.size) => (await readSlice(file, from, to)).buffer;
  return describingFaults(() =>
    parquetMetadataAsync({ byteLength: file.size, slice }, { geoparquet: false }),
  );
}

async function describingFaults<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof FileFault) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new FileFault(
      `The Parquet file is damaged, or uses something that this page does not read: ${reason}.`,
    );
  }
}
