/**
 * Checks the size of the built page: all files together, each compressed with gzip. The goal is 150 kB; until it is
 * reached, the page must not grow.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const GOAL_BYTES = 150_000;
const BYTES_MAX = 205_000;
const folder = new URL('../dist/', import.meta.url);

const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const bytes = files
  .map((file) => gzipSync(readFileSync(`${file.parentPath}/${file.name}`), { level: 9 }).length)
  .reduce((sum, size) => sum + size, 0);
const kilobytes = (size) => `${(size / 1000).toFixed(1)} kB`;
console.log(
  `The page is ${kilobytes(bytes)} compressed, in ${files.length} files; the goal is ${kilobytes(GOAL_BYTES)}.`,
);
if (bytes > BYTES_MAX) {
  console.error(`It must be at most ${kilobytes(BYTES_MAX)}.`);
  process.exit(1);
}
