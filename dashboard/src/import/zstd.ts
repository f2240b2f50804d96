/** Decompresses zstd. Loaded only for such files. */
import { Decompress } from 'fzstd';

import type { Bytes, Pieces } from './file-bytes';
import { FileFault } from './file-fault';
import { ZSTD_WINDOW_BYTES_MAX } from './limits';

const DAMAGED = 'The zstd data is damaged or cut off.';

export async function* unzstd(raw: Pieces): Pieces {
  let blocks: Bytes[] = [];
  // The library reuses its window, but not the blocks that it passes on.
  const decoder = new Decompress((block) => {
    if (block.length > 0) blocks.push(block as Bytes);
  });
  let isFirst = true;
  for await (const piece of raw) {
    if (isFirst) checkWindow(piece);
    isFirst = false;
    push(decoder, piece, false);
    yield* blocks;
    blocks = [];
  }
  push(decoder, new Uint8Array(0), true);
  yield* blocks;
}

function push(decoder: Decompress, piece: Bytes, isLast: boolean): void {
  try {
    decoder.push(piece, isLast);
  } catch {
    throw new FileFault(DAMAGED);
  }
}

/** Refuses a window that takes too much memory (RFC 8878, section 3.1.1.1.2). */
function checkWindow(begin: Bytes): void {
  const view = new DataView(begin.buffer, begin.byteOffset, begin.byteLength);
  if (begin.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return;
  const descriptor = view.getUint8(4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let window: number;
  if (isSingleSegment) {
    const at = 5 + [0, 1, 2, 4][descriptor & 3]!;
    const size = descriptor >> 6;
    if (begin.length < at + 8) return;
    if (size === 3) window = Number(view.getBigUint64(at, true));
    else window = size === 2 ? view.getUint32(at, true) : 0;
  } else {
    const { exponent, mantissa } = { exponent: view.getUint8(5) >> 3, mantissa: view.getUint8(5) & 7 };
    window = 2 ** (10 + exponent) * (1 + mantissa / 8);
  }
  if (window > ZSTD_WINDOW_BYTES_MAX) {
    throw new FileFault(
      'The zstd data needs a window of more than 128 MiB (zstd --long=28 or more). Decompress it first.',
    );
  }
}
