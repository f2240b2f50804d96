/** Files of the tests. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import type { SourceRow } from './cells';
import { recognizeFormat } from './preview';
import { openSource } from './open-source';
import type { RowSource } from './row-source';

export function fileOf(content: string | Uint8Array, name: string): File {
  return new File([content as BlobPart], name);
}

export function gzipFile(content: string, name: string): File {
  return fileOf(gzipSync(content), name);
}

/** Returns a file that `fixtures/write_fixtures.py` has written. */
export function fixture(name: string): File {
  return fileOf(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)), name);
}

/** Opens a file in its recognized format. */
export async function open(file: File): Promise<RowSource> {
  return openSource(file, await recognizeFormat(file));
}

/** Returns all rows of a source. */
export async function rowsOf(
  source: RowSource,
  used: ReadonlySet<number> | null = null,
): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for await (const batch of source.rows(used)) rows.push(...batch);
  return rows;
}
