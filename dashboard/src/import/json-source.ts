/** The rows of a file of JSON objects, one on each line or in an array. */
import type { Cell, SourceRow } from './cells';
import { FileBytes } from './file-bytes';
import { FileFault } from './file-fault';
import { JsonSplitter, type JsonText } from './json-splitter';
import { COLUMNS_MAX, SAMPLE_ROWS } from './limits';
import { textColumn, type FileFormat, type RowSource } from './row-source';
import { textPieces } from './text-pieces';

/** `exact` names the columns whose numbers may have more digits than a double: the times. */
export async function openJson(file: Blob, format: FileFormat, exact: readonly string[]): Promise<RowSource> {
  const bytes = new FileBytes(file, format.compression);
  const names = await namesOf(bytes, format);
  const columns = names.map(textColumn);
  const reader = new ObjectReader(names, exact);
  return {
    columns,
    numbering: 'line',
    rowCount: null,
    rows: () => rowsOf(bytes, format, reader),
    share: () => bytes.share,
  };
}

/** Returns the names of the members of the first objects, in the order in which they appear. */
async function namesOf(bytes: FileBytes, format: FileFormat): Promise<string[]> {
  const names = new Set<string>();
  let count = 0;
  for await (const values of valuesOf(bytes, format)) {
    for (const { text } of values) {
      const object = parse(text);
      if (object) for (const name of Object.keys(object)) names.add(name);
      count += 1;
      if (count >= SAMPLE_ROWS) break;
    }
    if (count >= SAMPLE_ROWS) break;
  }
  if (count === 0) throw new FileFault('The file has no rows.');
  if (names.size === 0)
    throw new FileFault('The file must contain JSON objects: one on each line, or an array of objects.');
  if (names.size > COLUMNS_MAX) throw new FileFault(`The objects have more than ${COLUMNS_MAX} members.`);
  return [...names];
}

async function* rowsOf(
  bytes: FileBytes,
  format: FileFormat,
  reader: ObjectReader,
): AsyncGenerator<SourceRow[], void, undefined> {
  for await (const values of valuesOf(bytes, format)) yield values.map((value) => reader.read(value));
}

async function* valuesOf(bytes: FileBytes, format: FileFormat): AsyncGenerator<JsonText[], void, undefined> {
  const splitter = new JsonSplitter(format.kind === 'ndjson' ? 'lines' : 'array');
  for await (const { text, isLast } of textPieces(bytes.read(), format.encoding)) {
    const values = splitter.read(text, isLast);
    if (values.length > 0) yield values;
  }
}

/** Returns an object; `null` if the text is no JSON object. */
function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

class ObjectReader {
  readonly #names: readonly string[];
  /** Expressions that find the digits of the numbers of a member. */
  readonly #digits: Map<string, RegExp>;

  constructor(names: readonly string[], exact: readonly string[]) {
    this.#names = names;
    this.#digits = new Map(exact.map((name) => [name, digitsOf(name)]));
  }

  read({ line, text }: JsonText): SourceRow {
    const object = parse(text);
    if (!object) return { number: line, cells: [], problem: 'Input should be an object in JSON' };
    return { number: line, cells: this.#names.map((name) => this.#cell(name, object, text)) };
  }

  #cell(name: string, object: Record<string, unknown>, text: string): Cell {
    const value = Object.hasOwn(object, name) ? object[name] : null;
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        return Number.isSafeInteger(value) ? value : (this.#exactly(name, value, text) ?? value);
      default:
        return null; // An absent or a nested value.
    }
  }

  /** Returns the number with all its digits. */
  #exactly(name: string, value: number, text: string): string | undefined {
    const expression = this.#digits.get(name);
    if (!expression) return undefined;
    // The same text may also be inside a string or a nested object. It has the right digits if it has the
    // same value.
    return [...text.matchAll(expression)]
      .map((match) => match[1]!)
      .find((digits) => Number(digits) === value);
  }
}

function digitsOf(name: string): RegExp {
  const quoted = JSON.stringify(name).replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
  return new RegExp(`${quoted}\\s*:\\s*(-?\\d[\\d.eE+-]*)`, 'g');
}
