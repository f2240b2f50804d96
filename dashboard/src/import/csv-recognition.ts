/** Recognizes the delimiter, the comments and the header of a CSV file by its first rows. */
import { contentOf } from './column-content';
import { TARGETS, toPlain } from './column-names';
import { CsvReader } from './csv-reader';

/** The delimiters that are recognized, in the order of preference. */
export const DELIMITERS = [',', ';', '\t', '|'] as const;

export interface CsvLayout {
  delimiter: string;
  comment: string | null;
  hasHeader: boolean;
}

/** Returns the layout of a text that begins with `sample`. */
export function recognizeCsv(sample: string): CsvLayout {
  const stated = /^sep=([,;\t|])\r?\n/.exec(sample);
  const text = stated ? sample.slice(stated[0].length) : sample;
  const comment = text.startsWith('#') ? '#' : null;
  const delimiter = stated?.[1] ?? recognizeDelimiter(text, comment);
  return { delimiter, comment, hasHeader: isHeader(firstRow(text, delimiter, comment)) };
}

/**
 * Returns the delimiter whose header has all columns; otherwise the one whose first row has the most cells.
 */
function recognizeDelimiter(text: string, comment: string | null): string {
  let best: { delimiter: string; count: number } = { delimiter: DELIMITERS[0], count: 0 };
  for (const delimiter of DELIMITERS) {
    const cells = firstRow(text, delimiter, comment);
    const names = cells.map(toPlain);
    if (TARGETS.every((target) => target === 'timestamp' || names.includes(target))) return delimiter;
    if (cells.length > best.count) best = { delimiter, count: cells.length };
  }
  return best.delimiter;
}

function firstRow(text: string, delimiter: string, comment: string | null): string[] {
  const reader = new CsvReader(delimiter, comment);
  const records = [...reader.read(text, false), ...reader.read('', true)];
  return records[0]?.cells ?? [];
}

/** Returns whether the cells of the first row are names: fewer than three of them are numbers or times. */
function isHeader(cells: readonly string[]): boolean {
  const values = cells.map(contentOf).filter((content) => content !== 'text' && content !== 'unknown');
  return values.length < 3;
}
