/**
 * Decompresses frames of LZ4, as in Arrow files. Their blocks may refer to earlier blocks. (LZ4 frame format,
 * version 1.6.)
 */

const MAGIC = 0x184d2204;
const HAS_CONTENT_SIZE = 0x08;
const HAS_BLOCK_CHECKSUM = 0x10;
const HAS_DICTIONARY = 0x01;
const IS_UNCOMPRESSED = 0x8000_0000;

/** Returns the content of a frame, whose size is known. */
export function decompressLz4Frame(frame: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint32(0, true) !== MAGIC) throw new RangeError('not a frame of LZ4');
  const flags = view.getUint8(4);
  const output = new Uint8Array(size);
  let at = 7 + (flags & HAS_CONTENT_SIZE ? 8 : 0) + (flags & HAS_DICTIONARY ? 4 : 0);
  let written = 0;
  for (;;) {
    const head = view.getUint32(at, true);
    at += 4;
    if (head === 0) break;
    const length = head & ~IS_UNCOMPRESSED;
    const block = frame.subarray(at, at + length);
    if (block.length < length) throw new RangeError('the frame is cut off');
    if (head & IS_UNCOMPRESSED) {
      output.set(block, written);
      written += length;
    } else {
      written = decompressBlock(block, output, written);
    }
    at += length + (flags & HAS_BLOCK_CHECKSUM ? 4 : 0);
  }
  if (written !== size) throw new RangeError('the frame has another size');
  return output;
}

/** Appends the content of a block. Returns the number of bytes that have been written. */
function decompressBlock(block: Uint8Array, output: Uint8Array, begin: number): number {
  let [at, written] = [0, begin];
  const byte = () => {
    const value = block[at++];
    if (value === undefined) throw new RangeError('the block is cut off');
    return value;
  };
  /** Continues a length of 15 with further bytes. */
  const lengthOf = (nibble: number) => {
    let length = nibble;
    if (nibble === 15) for (let more = 255; more === 255; length += more) more = byte();
    return length;
  };
  while (at < block.length) {
    const token = byte();
    const literals = lengthOf(token >> 4);
    output.set(block.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    // The last sequence has no match.
    if (at >= block.length) break;
    const offset = byte() | (byte() << 8);
    const length = lengthOf(token & 15) + 4;
    if (offset === 0 || offset > written || written + length > output.length)
      throw new RangeError('a match is out of range');
    if (offset >= length) {
      output.copyWithin(written, written - offset, written - offset + length);
      written += length;
    } else {
      for (const end = written + length; written < end; written += 1)
        output[written] = output[written - offset]!;
    }
  }
  return written;
}
