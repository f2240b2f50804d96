/**
 * Looks into a file before anything is sent: its format, its columns, its first rows, and the guess about
 * them.
 */
import { cellText, type Cell, type SourceRow } from './cells';
import { guessMapping } from './column-guess';
import { recognizeCsv } from './csv-recognition';
import { FileBytes, firstBytes, readSlice } from './file-bytes';
import { FileFault } from './file-fault';
import { compressionOf, encodingOf, kindOf, MAGIC_BYTES, type Compression } from './file-kind';
import { PREVIEW_CHARS, PREVIEW_ROWS, SAMPLE_BYTES, SAMPLE_ROWS } from './limits';
import type { Mapping } from './mapping';
import { openSource } from './open-source';
import type { FileFormat, Numbering, SourceColumn } from './row-source';

/** What the page shows of a file. */
export interface Preview {
  format: FileFormat;
  columns: SourceColumn[];
  numbering: Numbering;
  /** Number of rows, if the file states it. */
  rowCount: number | null;
  /** The first rows, with the texts of their cells. */
  rows: { number: number; texts: string[]; problem?: string }[];
  guess: Mapping;
}

/** Looks into a file. Without a format, the format is recognized. Returns the first rows, too. */
export async function inspect(
  file: File,
  stated: FileFormat | null,
): Promise<{ preview: Preview; rows: SourceRow[] }> {
  const format = stated ?? (await recognizeFormat(file));
  const { columns: all, numbering, rowCount, rows: batches } = await openSource(file, format);
  const rows: SourceRow[] = [];
  for await (const batch of batches(null)) {
    rows.push(...batch.slice(0, SAMPLE_ROWS - rows.length));
    if (rows.length >= SAMPLE_ROWS) break;
  }
  const hasNames = format.kind !== 'csv' || format.hasHeader;
  const guess = guessMapping(all, rows, hasNames);
  // Other members of a column are of no use to the page, and functions cannot be passed to it.
  const columns = all.map(({ name, type, isReadable }) => ({ name, type, isReadable }));
  const shown = rows
    .slice(0, PREVIEW_ROWS)
    .map(({ cells, ...row }) => ({ ...row, texts: cells.map(shortText) }));
  return { preview: { format, columns, numbering, rowCount, rows: shown, guess }, rows };
}

function shortText(cell: Cell): string {
  const text = cellText(cell);
  return text.length > PREVIEW_CHARS ? `${text.slice(0, PREVIEW_CHARS)}…` : text;
}

/** Recognizes the format of a file by its content and its name. */
export async function recognizeFormat(file: File): Promise<FileFormat> {
  if (file.size === 0) throw new FileFault('The file is empty.');
  const compression = compressionOf(await readSlice(file, 0, Math.min(MAGIC_BYTES, file.size)));
  const sample = await firstBytes(new FileBytes(file, compression).read(), SAMPLE_BYTES);
  const kind = kindOf(sample, file.name);
  const binary = {
    kind,
    compression,
    encoding: 'utf-8' as const,
    delimiter: ',',
    comment: null,
    hasHeader: true,
  };
  if (kind === 'arrow') return binary;
  if (kind === 'parquet') return refuseCompressed(compression) ?? binary;
  const encoding = encodingOf(sample);
  if (kind !== 'csv') return { ...binary, encoding };
  return { ...binary, encoding, ...recognizeCsv(new TextDecoder(encoding).decode(sample, { stream: true })) };
}

/** The table of contents of Parquet is at its end, so that it cannot be read while it is decompressed. */
function refuseCompressed(compression: Compression): null {
  if (compression === 'none') return null;
  throw new FileFault('A Parquet file cannot be read inside another compression. Decompress it first.');
}
