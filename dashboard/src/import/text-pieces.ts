/** The text of a file in any encoding, piece by piece, without a byte order mark. */
import type { Pieces } from './file-bytes';
import type { Encoding } from './file-kind';

export interface TextPiece {
  text: string;
  isLast: boolean;
}

/** Decodes bytes. Bytes that the encoding does not allow become U+FFFD. The last piece may be empty. */
export async function* textPieces(
  bytes: Pieces,
  encoding: Encoding,
): AsyncGenerator<TextPiece, void, undefined> {
  const decoder = new TextDecoder(encoding);
  for await (const piece of bytes) yield { text: decoder.decode(piece, { stream: true }), isLast: false };
  yield { text: decoder.decode(), isLast: true };
}
