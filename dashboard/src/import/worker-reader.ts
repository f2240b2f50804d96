/** The reader of one file, in a worker of its own. */
import { FileFault } from './file-fault';
import type { WorkerAnswer, WorkerRequest } from './import.worker';
import type { Mapping } from './mapping';
import type { Part } from './part-builder';
import type { ServerFault } from './outcome';
import type { Preview } from './preview';
import type { SentRows } from './rejected-rows';
import type { Review } from './review';
import type { RejectedRow } from './rows';
import type { FileFormat } from './row-source';

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (fault: FileFault) => void;
}

export class WorkerReader {
  readonly #worker = new Worker(new URL('./import.worker.ts', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;

  constructor(readonly file: File) {
    this.#worker.addEventListener('message', (event: MessageEvent<WorkerAnswer>) =>
      this.#receive(event.data),
    );
    this.#worker.addEventListener('error', () =>
      this.#fail('The reader of the file has stopped. Reload the page.'),
    );
  }

  /** Looks into the file. Without a format, the format is recognized. */
  inspect(format: FileFormat | null): Promise<Preview> {
    return this.#ask({ kind: 'inspect', file: this.file, format }) as Promise<Preview>;
  }

  /** Returns what the first rows of the file become with a mapping. */
  review(mapping: Mapping): Promise<Review> {
    return this.#ask({ kind: 'review', mapping }) as Promise<Review>;
  }

  /** Begins to read the parts of the file. */
  async start(format: FileFormat, columns: string[], mapping: Mapping): Promise<void> {
    await this.#ask({ kind: 'start', file: this.file, format, columns, mapping });
  }

  /** Returns the next part; `null` at the end of the file. */
  next(): Promise<Part | null> {
    return this.#ask({ kind: 'next' }) as Promise<Part | null>;
  }

  /** Returns the rows of a part that the service has rejected. */
  explain({ body, numbers }: SentRows, faults: ServerFault[]): Promise<RejectedRow[]> {
    return this.#ask({ kind: 'explain', part: { body, numbers }, faults }) as Promise<RejectedRow[]>;
  }

  close(): void {
    this.#worker.terminate();
    this.#fail('The reading was stopped.');
  }

  #ask(request: WorkerRequest): Promise<unknown> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id });
    });
  }

  #receive(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('fault' in answer) waiting?.reject(new FileFault(answer.fault));
    else waiting?.resolve(answer.value);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new FileFault(reason));
    this.#waiting.clear();
  }
}
