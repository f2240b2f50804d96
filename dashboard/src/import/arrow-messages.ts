/**
 * Cuts the messages of Arrow IPC out of a stream or file, one at a time. A message holds a schema or a record
 * batch.
 */
import type { Bytes, Pieces } from './file-bytes';
import { FileFault } from './file-fault';
import { FlatTable } from './flatbuffers';
import { ARROW_MESSAGE_BYTES_MAX } from './limits';

export interface ArrowMessage {
  kind: 'schema' | 'dictionary' | 'batch';
  /** Its description: a `Schema`, `DictionaryBatch` or `RecordBatch`. */
  content: FlatTable;
  /** Its buffers. */
  body: Bytes;
  /** Version of the format: 3 and 4 are its versions V4 and V5. */
  version: number;
}

const KINDS: Record<number, ArrowMessage['kind']> = { 1: 'schema', 2: 'dictionary', 3: 'batch' };
const CUT_OFF = 'The Arrow file is cut off.';
const DAMAGED = 'The Arrow file is damaged.';
/** `ARROW1` and two bytes of padding. The messages of a file follow as in a stream. */
const FILE_MAGIC_BYTES = 8;

/** Returns the messages up to the end of the stream, or up to the table of contents of a file. */
export async function* messagesOf(pieces: Pieces): AsyncGenerator<ArrowMessage, void, undefined> {
  const input = new ByteQueue(pieces);
  let prefix = await input.peek(FILE_MAGIC_BYTES);
  if (String.fromCharCode(...(prefix?.subarray(0, 6) ?? [])) === 'ARROW1') input.skip(FILE_MAGIC_BYTES);
  for (;;) {
    prefix = (await input.peek(8)) ?? (await input.peek(4));
    if (!prefix) return;
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const isMarked = view.getInt32(0, true) === -1;
    if (isMarked && prefix.length < 8) throw new FileFault(CUT_OFF);
    const headBytes = view.getInt32(isMarked ? 4 : 0, true);
    if (headBytes === 0) return;
    const begin = isMarked ? 8 : 4;
    checkSize(begin + headBytes);
    const head = await input.peek(begin + headBytes);
    if (!head) throw new FileFault(CUT_OFF);
    const { kind, content, bodyBytes, version } = describe(head.slice(begin));
    checkSize(bodyBytes);
    input.skip(begin + headBytes);
    const body = await input.peek(bodyBytes);
    if (!body) throw new FileFault(CUT_OFF);
    input.skip(bodyBytes);
    if (kind && content) yield { kind, content, body, version };
  }
}

function checkSize(bytes: number): void {
  if (bytes < 0) throw new FileFault(DAMAGED);
  if (bytes <= ARROW_MESSAGE_BYTES_MAX) return;
  const [size, most] = [bytes, ARROW_MESSAGE_BYTES_MAX].map((count) => Math.round(count / 1024 / 1024));
  throw new FileFault(
    `A record batch of the Arrow file has ${size} MiB; at most ${most} MiB can be read. Write smaller batches.`,
  );
}

/** Reads the head of a message, a table of FlatBuffers. */
function describe(head: Bytes) {
  try {
    const message = FlatTable.root(head);
    return {
      version: message.short(0, 0),
      kind: KINDS[message.byte(1, 0)],
      content: message.table(2),
      bodyBytes: Number(message.long(3)),
    };
  } catch {
    throw new FileFault(DAMAGED);
  }
}

/** Joins pieces to ranges of any length. */
class ByteQueue {
  #held: Bytes = new Uint8Array(0);
  #skipped = 0;

  constructor(readonly pieces: Pieces) {}

  /** Returns the next bytes without taking them; `null` if there are fewer. */
  async peek(count: number): Promise<Bytes | null> {
    if (this.#held.length - this.#skipped < count) {
      const parts = [this.#held.subarray(this.#skipped)];
      let length = parts[0]!.length;
      while (length < count) {
        const { done, value } = await this.pieces.next();
        if (done) break;
        parts.push(value);
        length += value.length;
      }
      this.#held = join(parts, length);
      this.#skipped = 0;
    }
    const end = this.#skipped + count;
    return end <= this.#held.length ? this.#held.subarray(this.#skipped, end) : null;
  }

  /** Ignores bytes that have been peeked at. They stay valid. */
  skip(count: number): void {
    this.#skipped += count;
  }
}

function join(parts: readonly Bytes[], length: number): Bytes {
  if (parts[0]?.length === length) return parts[0];
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
