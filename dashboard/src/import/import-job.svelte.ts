/**
 * The import of one file, from its choice to its outcome. It goes on while the viewer looks at other parts of
 * the page.
 */
import { api, dataOf } from '../api/client';
import type { Mapping } from './mapping';
import { Outcome, type PartAnswer } from './outcome';
import type { Preview } from './preview';
import type { Review } from './review';
import type { FileFormat } from './row-source';
import { newKeyPrefix, Sender, wait } from './sender';
import { TimeLeft } from './time-left';
import { WorkerReader } from './worker-reader';

/** `running` until all parts are sent; `stopping` while parts in flight are answered after a cancel. */
export type Stage =
  'choosing' | 'looking' | 'ready' | 'running' | 'stopping' | 'finished' | 'cancelled' | 'failed';

/** The state of a running import at one moment. */
export interface Snapshot {
  /** Share of the file that is done, from 0 to 1. */
  progress: number;
  /** Time left in milliseconds; `null` if it is not known. */
  leftMs: number | null;
  /** The fault because of which a request will be sent again; `null` if none is waiting. */
  retrying: unknown;
  outcome: Outcome;
  /** Changes with each snapshot, because the outcome is the same object. */
  count: number;
}

const NOTHING: Snapshot = { progress: 0, leftMs: null, retrying: null, outcome: new Outcome(), count: 0 };

class ImportJob {
  stage = $state<Stage>('choosing');
  file = $state.raw<File | null>(null);
  preview = $state.raw<Preview | null>(null);
  mapping = $state.raw<Mapping | null>(null);
  /** What the first rows become with the mapping; `null` until it is known. */
  review = $state.raw<Review | null>(null);
  /** Whether missing devices are registered. */
  registers = $state(false);
  /** The reason why the file cannot be read, or why the import has stopped. */
  fault = $state.raw<unknown>(null);
  now = $state.raw<Snapshot>(NOTHING);
  /** The mapping of the review. */
  #reviewed = $state.raw<Mapping | null>(null);
  #reader: WorkerReader | null = null;
  #sender: Sender | null = null;

  /** Whether closing the tab would stop the import. */
  get isBusy(): boolean {
    return this.stage === 'running' || this.stage === 'stopping';
  }

  /** Whether the import can start: the mapping has been checked and has no problem. */
  get isReady(): boolean {
    return this.stage === 'ready' && this.#reviewed === this.mapping && this.review?.problems.length === 0;
  }

  /** Looks into a file. */
  async choose(file: File, registers: boolean): Promise<void> {
    this.reset();
    this.file = file;
    this.registers = registers;
    this.#reader = new WorkerReader(file);
    await this.look(null);
  }

  /** Looks into the file in a stated format; `null` recognizes it. */
  async look(format: FileFormat | null): Promise<void> {
    const reader = this.#reader;
    if (!reader) return;
    this.stage = 'looking';
    this.fault = null;
    try {
      const preview = await reader.inspect(format);
      if (reader !== this.#reader) return;
      this.preview = preview;
      this.review = null;
      this.stage = 'ready';
      await this.map(preview.guess);
    } catch (fault) {
      if (reader !== this.#reader) return;
      this.fault = fault;
      // The last preview stays, so that the viewer can choose another format.
      this.stage = this.preview ? 'ready' : 'choosing';
    }
  }

  /** Changes the mapping. */
  async map(mapping: Mapping): Promise<void> {
    this.mapping = mapping;
    const review = await this.#reader?.review(mapping);
    // The answer to an earlier mapping comes too late.
    if (!review || mapping !== this.mapping) return;
    this.review = review;
    this.#reviewed = mapping;
  }

  /** Sends the file. Resolves when the import has ended, for whatever reason. */
  async start(): Promise<void> {
    const [reader, preview, mapping] = [this.#reader, this.preview, this.mapping];
    if (!reader || !preview || !mapping || !this.isReady) return;
    const registers = this.registers;
    const sender = new Sender({
      next: () => reader.next(),
      post: (body, key) => post(body, key, registers),
      explain: (part, faults) => reader.explain(part, faults),
      wait,
      random: Math.random,
      keyPrefix: newKeyPrefix(),
      onchange: () => this.#note(sender, left),
    });
    const left = new TimeLeft();
    this.#sender = sender;
    this.stage = 'running';
    this.fault = null;
    this.now = { ...NOTHING, outcome: sender.outcome };
    addEventListener('beforeunload', warn);
    try {
      left.note(performance.now(), 0);
      await reader.start(
        preview.format,
        preview.columns.map(({ name }) => name),
        mapping,
      );
      this.stage = (await sender.run()) ? 'finished' : 'cancelled';
    } catch (fault) {
      this.fault = fault;
      this.stage = 'failed';
    } finally {
      removeEventListener('beforeunload', warn);
      this.#note(sender, left);
      this.#close();
    }
  }

  /** Stops after the parts in flight. */
  cancel(): void {
    if (this.stage !== 'running') return;
    this.stage = 'stopping';
    this.#sender?.cancel();
  }

  /** Forgets the file. */
  reset(): void {
    if (this.isBusy) return;
    this.#close();
    [this.file, this.preview, this.mapping, this.review, this.fault] = [null, null, null, null, null];
    this.now = NOTHING;
    this.stage = 'choosing';
  }

  #close(): void {
    this.#reader?.close();
    this.#reader = null;
    this.#sender = null;
  }

  #note({ progress, retrying, outcome }: Sender, left: TimeLeft): void {
    const ms = performance.now();
    left.note(ms, progress);
    this.now = { progress, leftMs: left.at(ms, progress), retrying, outcome, count: this.now.count + 1 };
  }
}

export const job = new ImportJob();

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function post(body: Uint8Array<ArrayBuffer>, key: string, register: boolean): Promise<PartAnswer> {
  const request = api.POST('/api/v1/stats/batch', {
    params: {
      query: { on_fault: 'skip', precision: 's', ...(register ? { register: true } : {}) },
      header: { 'Idempotency-Key': key },
    },
    headers: { 'Content-Type': 'text/csv' },
    // The document describes a body of JSON, and the client would encode it.
    body: body as never,
    bodySerializer: (bytes: unknown) => bytes as Uint8Array<ArrayBuffer>,
  });
  return dataOf(request) as Promise<PartAnswer>;
}
