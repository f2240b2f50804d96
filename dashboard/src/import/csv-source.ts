/** The rows of a CSV file. */
import type { SourceRow } from './cells';
import { withoutProtection } from './csv-cell';
import { CsvReader, type CsvRecord } from './csv-reader';
import { FileBytes } from './file-bytes';
import { FileFault } from './file-fault';
import { COLUMNS_MAX } from './limits';
import { textColumn, type FileFormat, type RowSource, type SourceColumn } from './row-source';
import { textPieces } from './text-pieces';

export async function openCsv(file: Blob, format: FileFormat): Promise<RowSource> {
  const bytes = new FileBytes(file, format.compression);
  const first = await firstRecord(bytes, format);
  if (first.cells.length > COLUMNS_MAX) {
    throw new FileFault(
      `The first row has ${first.cells.length} columns; at most ${COLUMNS_MAX} can be read.`,
    );
  }
  if (first.problem !== undefined && format.hasHeader)
    throw new FileFault(`Line ${first.line}: ${first.problem}.`);
  const columns = columnsOf(first, format.hasHeader);
  return {
    columns,
    numbering: 'line',
    rowCount: null,
    rows: () => rowsOf(bytes, format, columns.length),
    share: () => bytes.share,
  };
}

async function firstRecord(bytes: FileBytes, format: FileFormat): Promise<CsvRecord> {
  for await (const records of recordsOf(bytes, format)) if (records[0]) return records[0];
  throw new FileFault('The file has no rows.');
}

function columnsOf(first: CsvRecord, hasHeader: boolean): SourceColumn[] {
  return first.cells.map((cell, at) => textColumn(hasHeader ? cell : `Column ${at + 1}`));
}

async function* rowsOf(
  bytes: FileBytes,
  format: FileFormat,
  columnCount: number,
): AsyncGenerator<SourceRow[], void, undefined> {
  let isHeader = format.hasHeader;
  for await (const records of recordsOf(bytes, format)) {
    const rows = records.map((record) => rowOf(record, columnCount));
    if (isHeader) rows.shift();
    isHeader = false;
    if (rows.length > 0) yield rows;
  }
}

/** Returns the records that are not the statement of a delimiter. A batch has one or more records. */
async function* recordsOf(
  bytes: FileBytes,
  format: FileFormat,
): AsyncGenerator<CsvRecord[], void, undefined> {
  const reader = new CsvReader(format.delimiter, format.comment);
  let isFirst = true;
  for await (const { text, isLast } of textPieces(bytes.read(), format.encoding)) {
    const records = reader.read(text, isLast);
    if (records.length === 0) continue;
    if (isFirst && statesDelimiter(records[0]!, format.delimiter)) records.shift();
    isFirst = false;
    if (records.length > 0) yield records;
  }
}

/** Returns whether the first line states the delimiter for Excel: `sep=;`. */
function statesDelimiter(record: CsvRecord, delimiter: string): boolean {
  return record.line === 1 && record.cells.join(delimiter) === `sep=${delimiter}`;
}

function rowOf({ line, cells, problem }: CsvRecord, columnCount: number): SourceRow {
  for (let at = 0; at < cells.length; at += 1) {
    const trimmed = cells[at]!.trim();
    cells[at] = trimmed.startsWith("'") ? withoutProtection(trimmed) : trimmed;
  }
  if (problem !== undefined) return { number: line, cells, problem };
  if (cells.length === columnCount) return { number: line, cells };
  return {
    number: line,
    cells,
    problem: `the row has ${cells.length} cells, but the header has ${columnCount}`,
  };
}
