/** The rows of a Parquet file. Only the pages in use are held in memory. Loaded only for such files. */
import type { Cell, SourceRow } from './cells';
import { readSlice } from './file-bytes';
import { FileFault } from './file-fault';
import { BATCH_ROWS_MAX, COLUMNS_MAX, PARQUET_FOOTER_BYTES_MAX } from './limits';
import { readMetadata, type Metadata } from './parquet-metadata';
import { PageReader } from './parquet-pages';
import { columnOf } from './parquet-types';
import type { RowSource } from './row-source';

export async function openParquet(file: Blob): Promise<RowSource> {
  const { rowCount, columns: leaves, groups } = await metadataOf(file);
  if (leaves.length > COLUMNS_MAX) throw new FileFault(`The file has more than ${COLUMNS_MAX} columns.`);
  const columns = leaves.map(columnOf);
  let read = 0;
  async function* rows(used: ReadonlySet<number> | null): AsyncGenerator<SourceRow[], void, undefined> {
    read = 0;
    for (const group of groups) {
      const values = leaves.map((leaf, at) => {
        const [described, chunk] = [columns[at]!, group.chunks[leaf.chunk]];
        if (!chunk || !described.column.isReadable || used?.has(at) === false) return null;
        return new ColumnValues(new PageReader(file, leaf, described.toCell, chunk));
      });
      for (let left = group.rowCount; left > 0; left -= BATCH_ROWS_MAX) {
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
  return {
    columns: columns.map(({ column }) => column),
    numbering: 'row',
    rowCount,
    rows,
    share: () => (rowCount === 0 ? 1 : read / rowCount),
  };
}

/** The values of a column of a row group, in order. */
class ColumnValues {
  readonly #pages: PageReader;
  #page: Cell[] = [];
  #at = 0;

  constructor(pages: PageReader) {
    this.#pages = pages;
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
      for (; this.#at < end; this.#at += 1) cells.push(this.#page[this.#at]!);
    }
    return cells;
  }
}

async function metadataOf(file: Blob): Promise<Metadata> {
  const end = await readSlice(file, Math.max(0, file.size - 8), file.size);
  const size = end.length === 8 ? new DataView(end.buffer).getUint32(0, true) : 0;
  if (String.fromCharCode(...end.subarray(4)) !== 'PAR1') throw new FileFault('The Parquet file is cut off.');
  if (size > PARQUET_FOOTER_BYTES_MAX) {
    throw new FileFault('The table of contents of the Parquet file has more than 64 MiB.');
  }
  const begin = Math.max(0, file.size - 8 - size);
  return describingFaults(async () => readMetadata(await readSlice(file, begin, file.size - 8)));
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
