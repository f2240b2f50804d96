/** Checks that all files of the built page together, each compressed with gzip, are at most 150 kB. */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BYTES_MAX = 150_000;
const folder = new URL('../dist/', import.meta.url);

const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const bytes = files
  .map((file) => gzipSync(readFileSync(`${file.parentPath}/${file.name}`), { level: 9 }).length)
  .reduce((sum, size) => sum + size, 0);
console.log(`The page is ${(bytes / 1000).toFixed(1)} kB compressed, in ${files.length} files.`);
if (bytes > BYTES_MAX) {
  console.error(`It must be at most ${BYTES_MAX / 1000} kB.`);
  process.exit(1);
}
