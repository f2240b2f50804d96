/**
 * The decompressed bytes of a file, read piece by piece: the next piece is read when the last one has been
 * used.
 */
import { FileFault } from './file-fault';
import type { Compression } from './file-kind';
import { GZIP_PIECE_BYTES, PIECE_BYTES, ZSTD_PIECE_BYTES } from './limits';
import { unzstd } from './zstd';

export type Bytes = Uint8Array<ArrayBuffer>;
export type Pieces = AsyncGenerator<Bytes, void, undefined>;

/** A file that is read from its beginning. */
export class FileBytes {
  /** Number of bytes of the file that have been read. */
  position = 0;

  constructor(
    readonly file: Blob,
    readonly compression: Compression,
  ) {}

  /** Share of the file that has been read, from 0 to 1. */
  get share(): number {
    return this.file.size === 0 ? 1 : this.position / this.file.size;
  }

  /** Returns the decompressed bytes from the beginning. Pieces are never empty. */
  async *read(): Pieces {
    if (this.compression === 'none') yield* this.#readRaw(PIECE_BYTES);
    else if (this.compression === 'gzip') yield* gunzip(this.#readRaw(GZIP_PIECE_BYTES));
    else yield* unzstd(this.#readRaw(ZSTD_PIECE_BYTES));
  }

  async *#readRaw(pieceBytes: number): Pieces {
    this.position = 0;
    while (this.position < this.file.size) {
      const end = Math.min(this.position + pieceBytes, this.file.size);
      const piece = await readSlice(this.file, this.position, end);
      this.position = end;
      yield piece;
    }
  }
}

/** Reads a range of a file. */
export async function readSlice(file: Blob, begin: number, end: number): Promise<Bytes> {
  try {
    return new Uint8Array(await file.slice(begin, end).arrayBuffer());
  } catch {
    throw new FileFault(
      'The file cannot be read. It may have been changed, moved or deleted since it was chosen.',
    );
  }
}

/** Returns the first bytes of a sequence of pieces, or fewer at its end. Ends the sequence. */
export async function firstBytes(pieces: Pieces, count: number): Promise<Bytes> {
  const first: Bytes[] = [];
  let length = 0;
  for await (const piece of pieces) {
    first.push(piece);
    length += piece.length;
    if (length >= count) break;
  }
  return new Uint8Array(await new Blob(first).arrayBuffer()).subarray(0, count);
}

async function* gunzip(raw: Pieces): Pieces {
  const source = new ReadableStream<Bytes>(
    {
      async pull(controller) {
        const { done, value } = await raw.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
  const reader = source.pipeThrough(new DecompressionStream('gzip')).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(refuseGzip);
      if (done) return;
      if (value.length > 0) yield value as Bytes;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function refuseGzip(error: unknown): never {
  if (error instanceof FileFault) throw error;
  // Browsers also refuse a second gzip file after the end of the first one (Compression Streams, section
  // 6.2).
  throw new FileFault(
    'The gzip data is damaged or cut off, or consists of several joined gzip files. For joined files, use the command device-stats import.',
  );
}
