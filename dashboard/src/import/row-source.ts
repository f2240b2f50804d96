/** The rows of a file of any format. */
import type { SourceRow } from './cells';
import type { Compression, Encoding, Kind } from './file-kind';

/** How a file is cut into rows. It is recognized, and the user can correct it. */
export interface FileFormat {
  kind: Kind;
  compression: Compression;
  /** Encoding of text formats. */
  encoding: Encoding;
  /** Delimiter of CSV. */
  delimiter: string;
  /** First character of the lines of CSV that are ignored; `null` if there are no comments. */
  comment: string | null;
  /** Whether the first row of CSV has the names of the columns. */
  hasHeader: boolean;
}

export interface SourceColumn {
  name: string;
  /** Type of the values in Arrow and Parquet; `null` in formats of text. */
  type: string | null;
  /** Whether its values can be read. Nested values cannot. */
  isReadable: boolean;
}

/** Unit of the positions of rows: lines of a text, or rows of other formats. Both are counted from 1. */
export type Numbering = 'line' | 'row';

export interface RowSource {
  columns: SourceColumn[];
  numbering: Numbering;
  /** Number of rows, if the file states it. */
  rowCount: number | null;
  /**
   * Returns the rows from the beginning, in batches. Only the columns of `used` need to be read; `null` means
   * all. A consumer that stops early ends the reading of the file.
   */
  rows(used: ReadonlySet<number> | null): AsyncGenerator<SourceRow[], void, undefined>;
  /** Share of the file that has been read, from 0 to 1. */
  share(): number;
}

export function textColumn(name: string): SourceColumn {
  return { name, type: null, isReadable: true };
}
