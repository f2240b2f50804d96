/**
 * Checks the size of the built page: all its files together, as they are sent to a browser that accepts Brotli. Each
 * compressed file must contain the file beside it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

import { builtFiles, CODINGS } from './built-files.js';

const BYTES_MAX = 150_000;
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;

const files = builtFiles().map((path) => {
  const content = readFileSync(path);
  const sizes = CODINGS.map(({ suffix, decompress }) => {
    if (!existsSync(path + suffix)) return content.length;
    const compressed = readFileSync(path + suffix);
    if (!decompress(compressed).equals(content)) throw new Error(`${path + suffix} is not ${path}`);
    return compressed.length;
  });
  return { name: basename(path), sizes: [...sizes, content.length] };
});
const totals = [0, 1, 2].map((nth) => files.reduce((sum, { sizes }) => sum + sizes[nth], 0));

const row = (sizes, name) => console.log(...sizes.map((size) => kilobytes(size).padStart(9)), '', name);
console.log(...[...CODINGS.map(({ name }) => name), 'plain'].map((name) => name.padStart(9)));
for (const { sizes, name } of files.sort((one, other) => other.sizes[0] - one.sizes[0])) row(sizes, name);
row(totals, `all ${files.length} files`);
if (totals[0] > BYTES_MAX) {
  console.error(`With Brotli, the page must be at most ${kilobytes(BYTES_MAX)}.`);
  process.exit(1);
}
