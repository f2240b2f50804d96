/**
 * The worker that reads files, so that the page stays responsive. It reads on only when the page asks for the
 * next part.
 */
import { FileFault } from './file-fault';
import { partsOf } from './file-parts';
import type { Mapping } from './mapping';
import type { Part } from './part-builder';
import { inspect } from './preview';
import type { ServerFault } from './outcome';
import { rejectedOf, type SentRows } from './rejected-rows';
import { reviewOf } from './review';
import type { FileFormat } from './row-source';

export type WorkerRequest =
  | { kind: 'inspect'; file: File; format: FileFormat | null }
  | { kind: 'review'; mapping: Mapping }
  | { kind: 'start'; file: File; format: FileFormat; columns: string[]; mapping: Mapping }
  | { kind: 'next' }
  | { kind: 'explain'; part: SentRows; faults: ServerFault[] };

/** The answer to a request: its value, or the reason why the file cannot be read. */
export type WorkerAnswer = { id: number; value: unknown } | { id: number; fault: string };

let inspected: Awaited<ReturnType<typeof inspect>> | null = null;
let parts: AsyncGenerator<Part, void, undefined> | null = null;

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case 'inspect':
      inspected = await inspect(request.file, request.format);
      return inspected.preview;
    case 'review':
      return reviewOf(inspected?.preview.columns ?? [], inspected?.rows ?? [], request.mapping);
    case 'start':
      parts = partsOf(request.file, request.format, request.columns, request.mapping);
      return null;
    case 'next':
      return (await parts?.next())?.value ?? null;
    case 'explain':
      return rejectedOf(request.part, request.faults);
  }
}

addEventListener('message', (event: MessageEvent<WorkerRequest & { id: number }>) => {
  const { id } = event.data;
  answer(event.data).then(
    (value) => {
      const part = event.data.kind === 'next' ? (value as Part | null) : null;
      const owned = part ? [part.body.buffer, part.numbers.buffer] : [];
      postMessage({ id, value } satisfies WorkerAnswer, { transfer: owned });
    },
    (error: unknown) => {
      const isKnown = error instanceof FileFault;
      const reason = error instanceof Error ? error.message : String(error);
      postMessage({
        id,
        fault: isKnown ? reason : `The file cannot be read: ${reason}`,
      } satisfies WorkerAnswer);
    },
  );
});
