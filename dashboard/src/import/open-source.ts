/** Opens a file of any format. */
import { openArrow } from './arrow-source';
import { openCsv } from './csv-source';
import { openJson } from './json-source';
import { openParquet } from './parquet-source';
import type { FileFormat, RowSource } from './row-source';

/** Opens a file, and reads its columns. */
export async function openSource(
  file: Blob,
  format: FileFormat,
  isTimeExact: readonly string[] = [],
): Promise<RowSource> {
  switch (format.kind) {
    case 'csv':
      return openCsv(file, format);
    case 'ndjson':
    case 'json':
      return openJson(file, format, isTimeExact);
    case 'arrow':
      return openArrow(file, format);
    case 'parquet':
      return openParquet(file);
  }
}
