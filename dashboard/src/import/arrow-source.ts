/**
 * The rows of an Arrow IPC stream or file, one record batch at a time. Loaded only for such files.
 *
 * A library (@uwdata/flechette 2) took 8 kB of the 150 kB of the page, for types that no reading has.
 */
import { decompress as unzstd } from 'fzstd';

import { BatchColumns, type Decompress } from './arrow-batch';
import { messagesOf, type ArrowMessage } from './arrow-messages';
import { fieldsOf, typeName, type ArrowField } from './arrow-schema';
import type { Cell, SourceRow } from './cells';
import { FileBytes } from './file-bytes';
import { FileFault } from './file-fault';
import type { FlatTable } from './flatbuffers';
import { ARROW_DICTIONARY_VALUES_MAX, BATCH_ROWS_MAX, COLUMNS_MAX } from './limits';
import { decompressLz4Frame } from './lz4-frame';
import type { FileFormat, RowSource } from './row-source';

export async function openArrow(file: Blob, format: FileFormat): Promise<RowSource> {
  const bytes = new FileBytes(file, format.compression);
  for await (const message of messagesOf(bytes.read())) {
    const fields = describingFaults(() => schemaOf(message));
    if (fields.length > COLUMNS_MAX) throw new FileFault(`The file has more than ${COLUMNS_MAX} columns.`);
    const columns = fields.map(({ name, type }) => ({
      name,
      type: typeName(type),
      isReadable: type !== null,
    }));
    const rows = (used: ReadonlySet<number> | null) => rowsOf(bytes, used);
    return { columns, numbering: 'row', rowCount: null, rows, share: () => bytes.share };
  }
  throw new FileFault('The Arrow file is empty.');
}

function schemaOf({ kind, content, version }: ArrowMessage): ArrowField[] {
  if (kind !== 'schema') throw new FileFault('The Arrow file does not begin with a schema.');
  if (version < 3)
    throw new FileFault('The Arrow file has an old version of the format. Write it with Arrow 0.8 or later.');
  if (content.short(0, 0) !== 0)
    throw new FileFault('The Arrow file is big-endian. Write it on another machine.');
  return fieldsOf(content, version);
}

async function* rowsOf(
  bytes: FileBytes,
  used: ReadonlySet<number> | null,
): AsyncGenerator<SourceRow[], void, undefined> {
  let fields: ArrowField[] | null = null;
  const dictionaries = new Map<bigint, Cell[]>();
  let number = 1;
  for await (const message of messagesOf(bytes.read())) {
    if (!fields) {
      fields = describingFaults(() => schemaOf(message));
    } else if (message.kind === 'dictionary') {
      const known = fields;
      describingFaults(() => addDictionary(message, known, dictionaries));
    } else if (message.kind === 'batch') {
      const known = fields;
      const columns = describingFaults(() => new BatchColumns(message.content, message.body, decompress));
      const readers = describingFaults(() =>
        known.map((field, at) => columns.next(field, dictionaries, used?.has(at) !== false)),
      );
      for (let begin = 0; begin < columns.length; begin += BATCH_ROWS_MAX) {
        const length = Math.min(BATCH_ROWS_MAX, columns.length - begin);
        const row = (at: number) => ({ number: number + at, cells: readers.map((read) => read(at)) });
        yield describingFaults(() => Array.from({ length }, (_, index) => row(begin + index)));
      }
      number += columns.length;
    }
  }
}

/** Reads the values of a dictionary. A delta is appended to an earlier one. */
function addDictionary(
  { content, body }: ArrowMessage,
  fields: readonly ArrowField[],
  dictionaries: Map<bigint, Cell[]>,
): void {
  const id = content.long(0);
  const field = fields.find((field) => field.dictionary?.id === id);
  const batch: FlatTable | null = content.table(1);
  // The dictionary of a nested column is not read.
  if (!field || !batch) return;
  const columns = new BatchColumns(batch, body, decompress);
  const buffers = field.type?.kind === 'text' ? 3 : 2;
  const isVariadic = field.type?.kind === 'text' && field.type.layout === 'views';
  const values = { ...field, dictionary: null, buffers: isVariadic ? 2 : buffers, isVariadic };
  const read = columns.next(values, dictionaries, true);
  const earlier = content.byte(2, 0) === 1 ? (dictionaries.get(id) ?? []) : [];
  if (earlier.length + columns.length > ARROW_DICTIONARY_VALUES_MAX) {
    throw new FileFault(
      'A dictionary of the Arrow file has more than a million values. Write them as plain texts.',
    );
  }
  dictionaries.set(id, [...earlier, ...Array.from({ length: columns.length }, (_, row) => read(row))]);
}

const decompress: Decompress = (codec, data, size) =>
  codec === 0 ? decompressLz4Frame(data, size) : unzstd(data, new Uint8Array(size));

function describingFaults<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FileFault) throw error;
    throw new FileFault('The Arrow file is damaged.');
  }
}
