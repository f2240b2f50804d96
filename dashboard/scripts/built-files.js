/** The files of the built page in `dist`, and the codings in which they are sent. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from 'node:zlib';

/** The codings, at their highest levels. The name of a compressed file is that of the file and a suffix. */
export const CODINGS = [
  {
    name: 'Brotli',
    suffix: '.br',
    compress: (content) =>
      brotliCompressSync(content, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
          [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        },
      }),
    decompress: brotliDecompressSync,
  },
  {
    name: 'gzip',
    suffix: '.gz',
    compress: (content) => gzipSync(content, { level: constants.Z_BEST_COMPRESSION }),
    decompress: gunzipSync,
  },
];

/** Returns the paths of all files of the page, without their compressed forms. */
export function builtFiles() {
  const folder = fileURLToPath(new URL('../dist/', import.meta.url));
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const isForm = (path) =>
    CODINGS.some(({ suffix }) => path.endsWith(suffix) && existsSync(path.slice(0, -suffix.length)));
  return paths.filter((path) => !isForm(path)).sort();
}
