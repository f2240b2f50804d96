/**
 * Sends the parts of a file, two at a time, and asks for the next part only when it can send it. Two parts in
 * flight never contain the same device with overlapping times, and a part with a reading without a time is
 * sent alone. So the result is the same as with one request after the other.
 */
import { backoffMs, isOutcomeUnknown, isRetried } from './backoff';
import { REQUESTS_MAX } from './limits';
import { Outcome, type PartAnswer, type ServerFault } from './outcome';
import type { Part, Span } from './part-builder';
import type { RejectedRow } from './rows';

export interface SenderParts {
  /** Returns the next part of the file; `null` at its end. */
  next: () => Promise<Part | null>;
  /** Sends a part. The key makes a retry safe: the same part is stored once. */
  post: (body: Uint8Array<ArrayBuffer>, key: string) => Promise<PartAnswer>;
  /** Returns the rows of a part that the answer rejects. */
  explain: (part: Part, faults: ServerFault[]) => Promise<RejectedRow[]>;
  /** Waits, at most until the signal is aborted. */
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Returns a number between 0 and 1. */
  random: () => number;
  /** Begin of the keys; no other import may have the same. */
  keyPrefix: string;
  /** Called whenever the progress has changed. */
  onchange: () => void;
}

interface InFlight {
  part: Part;
  /** Progress before the part. */
  begin: number;
  done: Promise<void>;
}

export class Sender {
  readonly outcome = new Outcome();
  /** Share of the file that has been answered, from 0 to 1. */
  progress = 0;
  /** The fault because of which a request will be sent again; `null` if none is waiting. */
  retrying: unknown = null;
  readonly #parts: SenderParts;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<InFlight>();
  #failure: { fault: unknown } | null = null;
  #sent = 0;
  #end = 0;
  /** Whether the file has ended, and each of its parts has been answered. */
  #isComplete = false;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  /** Sends no further part, and does not send a failed one again. */
  cancel(): void {
    this.#stop.abort();
  }

  /**
   * Sends all parts. Returns whether the whole file has been sent; if not, the import was cancelled. Rejects
   * with the fault because of which the rest is not sent. The outcome stays valid in each case.
   */
  async run(): Promise<boolean> {
    try {
      while (!this.#isStopped) {
        const part = await this.#parts.next();
        this.#isComplete = part === null;
        if (!part) break;
        await this.#waitForTurn(part);
        if (this.#isStopped) break;
        this.#send(part);
      }
    } catch (fault) {
      this.#failure ??= { fault };
    }
    while (this.#inFlight.size > 0) await this.#nextAnswer();
    if (this.#failure) throw this.#failure.fault;
    if (this.#isComplete) this.progress = 1;
    return this.#isComplete;
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted || this.#failure !== null;
  }

  async #waitForTurn(part: Part): Promise<void> {
    const isBlocked = ({ part: other }: InFlight) =>
      part.untimed > 0 || other.untimed > 0 || overlap(part.spans, other.spans);
    while (!this.#isStopped && (this.#inFlight.size >= REQUESTS_MAX || [...this.#inFlight].some(isBlocked))) {
      await this.#nextAnswer();
    }
  }

  async #nextAnswer(): Promise<void> {
    await Promise.race([...this.#inFlight].map(({ done }) => done));
  }

  #send(part: Part): void {
    this.outcome.reject(part.rejected);
    const flight: InFlight = { part, begin: this.#end, done: Promise.resolve() };
    this.#end = part.progress;
    const key = `${this.#parts.keyPrefix}-${this.#sent++}`;
    this.#inFlight.add(flight);
    flight.done = this.#post(part, key).finally(() => {
      this.#inFlight.delete(flight);
      this.progress = Math.min(this.#end, ...[...this.#inFlight].map(({ begin }) => begin));
      this.#parts.onchange();
    });
  }

  async #post(part: Part, key: string): Promise<void> {
    if (part.numbers.length === 0) return;
    for (let failures = 1; ; failures += 1) {
      try {
        const answer = await this.#parts.post(part.body, key);
        const rejected = answer.faults?.length ? await this.#parts.explain(part, answer.faults) : [];
        this.outcome.accept(part, answer, rejected);
        this.retrying = null;
        return;
      } catch (fault) {
        if (isRetried(fault) && !this.#isStopped) await this.#waitForRetry(failures, fault);
        if (!isRetried(fault) || this.#isStopped) {
          this.#isComplete = false;
          if (isOutcomeUnknown(fault)) this.outcome.unknown += part.numbers.length;
          if (!isRetried(fault)) this.#failure ??= { fault };
          return;
        }
      }
    }
  }

  async #waitForRetry(failures: number, fault: unknown): Promise<void> {
    this.retrying = fault;
    this.#parts.onchange();
    await this.#parts.wait(backoffMs(failures, fault, this.#parts.random()), this.#stop.signal);
  }
}

/** Returns whether two parts contain the same device with overlapping times. */
export function overlap(first: readonly Span[], second: readonly Span[]): boolean {
  const spans = new Map(first.map((span) => [span.device, span]));
  return second.some((span) => {
    const other = spans.get(span.device);
    return other !== undefined && span.minUs <= other.maxUs && other.minUs <= span.maxUs;
  });
}

/** Waits, at most until the signal is aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, ms);
    function finish() {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    }
    signal.addEventListener('abort', finish);
  });
}

/** Returns a text that no other import has. It needs no secure context, unlike `crypto.randomUUID`. */
export function newKeyPrefix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `import-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
