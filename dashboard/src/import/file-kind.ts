/**
 * Recognizes the compression, the format and the encoding of a file: by its content first, by its name
 * second.
 */
import { FileFault } from './file-fault';

export type Compression = 'none' | 'gzip' | 'zstd';
export type Kind = 'csv' | 'ndjson' | 'json' | 'arrow' | 'parquet';

/** The encodings that the page offers. Browsers also know others, but not their use in tables of devices. */
export const ENCODINGS = ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Number of bytes that decide the compression. */
export const MAGIC_BYTES = 4;
/** Greatest plausible size of the head of a message of an Arrow stream, in bytes. */
const ARROW_HEAD_BYTES_MAX = 16 * 1024 * 1024;

/** Formats that are not read, by their first bytes, with the advice for them. */
const OTHERS: readonly (readonly [string, string])[] = [
  ['504b0304', 'This is a ZIP archive or an Excel workbook. Save the sheet as CSV, or unpack the archive.'],
  ['d0cf11e0', 'This is an Excel workbook. Save the sheet as CSV.'],
  ['425a68', 'This file is compressed with bzip2. Decompress it first.'],
  ['fd377a585a', 'This file is compressed with xz. Decompress it first.'],
  ['377abcaf', 'This is a 7z archive. Unpack it first.'],
  ['04224d18', 'This file is compressed with LZ4. Decompress it first.'],
  ['46454131', 'This is a file of Feather version 1. Write it as Feather version 2 or as Parquet.'],
  ['53514c697465', 'This is an SQLite database. Export its table as CSV.'],
  ['894844460d0a', 'This is an HDF5 file. Export its table as CSV or Parquet.'],
];

export function compressionOf(begin: Uint8Array): Compression {
  if (startsWith(begin, '1f8b')) return 'gzip';
  // A file of pzstd begins with a frame that decoders skip.
  const isSkippable = startsWith(begin.subarray(1), '2a4d18') && ((begin[0] ?? 0) & 0xf0) === 0x50;
  return isSkippable || startsWith(begin, '28b52ffd') ? 'zstd' : 'none';
}

/** Returns the format of a file. `sample` is the beginning of the decompressed content. */
export function kindOf(sample: Uint8Array, name: string): Kind {
  if (sample.length === 0) throw new FileFault('The file is empty.');
  if (startsWith(sample, '50415231')) return 'parquet';
  if (startsWith(sample, '4152524f5731')) return 'arrow';
  const other = OTHERS.find(([magic]) => startsWith(sample, magic));
  if (other) throw new FileFault(other[1]);
  const extension = /\.([a-z]+)(?:\.(?:gz|zst))?$/.exec(name.toLowerCase())?.[1] ?? '';
  if (isArrowStream(sample, ['arrow', 'arrows', 'feather'].includes(extension))) return 'arrow';
  if (extension === 'parquet') throw new FileFault('The name says Parquet, but the content is not Parquet.');
  const text = new TextDecoder(encodingOf(sample)).decode(sample, { stream: true }).trimStart();
  if (text.startsWith('{')) return 'ndjson';
  // A table may have a header such as `[time],[x]`, but no row of JSON begins like that.
  if (/^\[\s*(?:[{\]]|$)/.test(text)) return 'json';
  if (extension === 'ndjson' || extension === 'jsonl') return 'ndjson';
  return extension === 'json' ? 'json' : 'csv';
}

/**
 * Returns the encoding of a text: the one of its byte order mark, otherwise the first one that fits its
 * content.
 */
export function encodingOf(sample: Uint8Array): Encoding {
  if (startsWith(sample, 'fffe')) return 'utf-16le';
  if (startsWith(sample, 'feff')) return 'utf-16be';
  const zeros = [0, 0];
  for (const [at, byte] of sample.entries()) if (byte === 0) zeros[at % 2]! += 1;
  const [even = 0, odd = 0] = zeros;
  if (even + odd > sample.length / 4) return odd > even ? 'utf-16le' : 'utf-16be';
  if (even + odd > 0) throw new FileFault('The file is neither text nor a format that this page reads.');
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(sample, { stream: true });
    return 'utf-8';
  } catch {
    return 'windows-1252';
  }
}

function isArrowStream(sample: Uint8Array, isNamed: boolean): boolean {
  if (sample.length < 8) return false;
  const view = new DataView(sample.buffer, sample.byteOffset, sample.byteLength);
  const isMarked = view.getInt32(0, true) === -1;
  const size = view.getInt32(isMarked ? 4 : 0, true);
  return (isMarked || isNamed) && size > 0 && size < ARROW_HEAD_BYTES_MAX;
}

function startsWith(bytes: Uint8Array, hex: string): boolean {
  for (let at = 0; at < hex.length; at += 2) {
    if (bytes[at / 2] !== Number.parseInt(hex.slice(at, at + 2), 16)) return false;
  }
  return true;
}
