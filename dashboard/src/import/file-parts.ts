/** The parts of a file: reads its rows, checks them, and divides them into requests. */
import { openSource } from './open-source';
import type { FileFormat } from './row-source';
import { planOf, type Mapping } from './mapping';
import { PartBuilder, type Part } from './part-builder';
import { RowReader } from './row-reader';

/** Returns the parts from the beginning. The file is only read as far as parts are asked for. */
export async function* partsOf(
  file: Blob,
  format: FileFormat,
  columns: readonly string[],
  mapping: Mapping,
): AsyncGenerator<Part, void, undefined> {
  const plan = planOf(mapping.roles);
  const used = new Set(Object.values(plan).filter((column) => column !== null));
  const times = plan.timestamp === null ? [] : [columns[plan.timestamp] ?? ''];
  const source = await openSource(file, format, times);
  const reader = new RowReader(mapping);
  const builder = new PartBuilder();
  for await (const rows of source.rows(used)) {
    for (const row of rows) if (builder.add(reader.read(row))) yield builder.take(source.share());
  }
  if (!builder.isEmpty) yield builder.take(1);
}
