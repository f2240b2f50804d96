import { describe, expect, it } from 'vitest';

import { ApiFault, ConnectionLost } from '../api/fault';
import type { PartAnswer } from './outcome';
import type { Part } from './part-builder';
import { Sender } from './sender';

const busy = (retryAfterS: number | null = null) =>
  new ApiFault(503, 'overloaded', 'Overloaded', null, retryAfterS, []);
const stored = (accepted: number): PartAnswer => ({ accepted, duplicates: 0, conflicts: 0 });

/** Returns a part of rows of one device in one second each; `begin` is its first second. */
function part(begin: number, rows: number, progress: number, change: Partial<Part> = {}): Part {
  const spans = [{ device: 'a', minUs: begin * 1e6, maxUs: (begin + rows - 1) * 1e6 }];
  const body = new TextEncoder().encode(`part ${begin}`);
  return { body, numbers: new Float64Array(rows), spans, untimed: 0, rejected: [], progress, ...change };
}

/** A service whose requests are answered by the test. */
function service(parts: Part[]) {
  const requests: {
    text: string;
    key: string;
    answer: (answer: PartAnswer) => void;
    refuse: (fault: unknown) => void;
  }[] = [];
  const waits: { ms: number; end: () => void }[] = [];
  let read = 0;
  const sender = new Sender({
    next: async () => parts[read++] ?? null,
    post: (body, key) =>
      new Promise((answer, refuse) =>
        requests.push({ text: new TextDecoder().decode(body), key, answer, refuse }),
      ),
    explain: async (_, faults) => faults.map(() => ({ number: 1, values: [], faults: [] })),
    wait: (ms, signal) =>
      new Promise((resolve) => {
        waits.push({ ms, end: resolve });
        signal.addEventListener('abort', () => resolve());
      }),
    random: () => 1,
    keyPrefix: 'key',
    onchange: () => undefined,
  });
  /** Lets all work continue that does not wait for the test. */
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  return { sender, requests, waits, settle, read: () => read };
}

describe('the sender', () => {
  it('has two requests in flight, and reads only one part ahead', async () => {
    const { sender, requests, settle, read } = service([
      part(0, 5, 0.2),
      part(5, 5, 0.4),
      part(10, 5, 0.6),
      part(15, 5, 1),
    ]);
    const done = sender.run();
    await settle();
    expect([requests.length, read()]).toEqual([2, 3]);
    requests[1]!.answer(stored(5));
    await settle();
    // The first part is not answered, so the progress stays at its begin.
    expect([requests.length, sender.progress]).toEqual([3, 0]);
    requests[0]!.answer(stored(5));
    await settle();
    expect(sender.progress).toBe(0.4);
    requests[2]!.answer(stored(4));
    const faults = [{ loc: ['body', 0], msg: 'wrong' }];
    requests[3]!.answer({ accepted: 3, duplicates: 2, conflicts: 1, rejected: 4, faults });
    expect(await done).toBe(true);
    expect(sender.outcome).toMatchObject({ stored: 17, repeats: 2, conflicts: 1, rejected: 4 });
    expect([sender.progress, new Set(requests.map(({ key }) => key)).size]).toEqual([1, 4]);
    expect(sender.outcome.window).toEqual({ minUs: 0, maxUs: 19e6 });
  });

  it('sends parts that overlap, and parts without times, one after the other', async () => {
    const untimed = part(20, 1, 0.8, { untimed: 1 });
    const { sender, requests, settle } = service([part(0, 6, 0.2), part(5, 5, 0.5), untimed, part(30, 1, 1)]);
    const done = sender.run();
    for (const count of [1, 2, 3, 4]) {
      await settle();
      expect(requests).toHaveLength(count);
      requests[count - 1]!.answer(stored(1));
    }
    await done;
    expect(requests.map(({ text }) => text)).toEqual(['part 0', 'part 5', 'part 20', 'part 30']);
  });

  it('sends a part again with the same key, with a backoff that obeys the server', async () => {
    const { sender, requests, waits, settle } = service([part(0, 5, 1)]);
    const done = sender.run();
    await settle();
    for (const fault of [
      busy(),
      new ConnectionLost(null),
      busy(30),
      new ApiFault(429, 'quota', 'Quota', null, null, []),
    ]) {
      requests.at(-1)!.refuse(fault);
      await settle();
      expect(sender.retrying).toBe(fault);
      waits.at(-1)!.end();
      await settle();
    }
    expect(waits.map(({ ms }) => ms)).toEqual([250, 500, 30_000, 2_000]);
    requests.at(-1)!.answer(stored(5));
    await done;
    expect(new Set(requests.map(({ key }) => key)).size).toBe(1);
    expect([requests.length, sender.retrying, sender.outcome.stored]).toEqual([5, null, 5]);
  });

  it('waits for the parts in flight after it is cancelled, and sends no other', async () => {
    const { sender, requests, settle, read } = service([part(0, 5, 0.2), part(5, 5, 0.4), part(10, 5, 1)]);
    const done = sender.run();
    await settle();
    sender.cancel();
    requests[0]!.answer(stored(5));
    requests[1]!.refuse(new ConnectionLost(null));
    expect(await done).toBe(false);
    expect([requests.length, read()]).toEqual([2, 3]);
    // The second part may be stored: it got no answer.
    expect(sender.outcome).toMatchObject({ stored: 5, unknown: 5 });
    expect(sender.progress).toBeLessThan(1);
  });

  it('does not wait for a retry after it is cancelled', async () => {
    const { sender, requests, settle } = service([part(0, 5, 1)]);
    const done = sender.run();
    await settle();
    requests[0]!.refuse(busy(600));
    await settle();
    sender.cancel();
    expect(await done).toBe(false);
    expect([requests.length, sender.outcome.unknown]).toEqual([1, 0]);
  });

  it('stops at a fault that a retry does not remove, and keeps what is stored', async () => {
    const forbidden = new ApiFault(403, 'forbidden', 'Forbidden', null, null, []);
    const { sender, requests, settle } = service([part(0, 5, 0.2), part(5, 5, 0.4), part(10, 5, 1)]);
    const done = sender.run();
    await settle();
    requests[1]!.refuse(forbidden);
    await settle();
    requests[0]!.answer(stored(5));
    await expect(done).rejects.toBe(forbidden);
    expect([requests.length, sender.outcome.stored]).toEqual([2, 5]);
  });

  it('ends with the fault of a file that cannot be read further, after the parts in flight', async () => {
    const { requests, settle, sender } = service([part(0, 5, 0.2)]);
    const failing = new Sender({
      next: (() => {
        let read = 0;
        return async () => {
          if (read++ === 0) return part(0, 5, 0.2);
          throw new Error('cut off');
        };
      })(),
      post: async () => stored(5),
      explain: async () => [],
      wait: async () => undefined,
      random: () => 0,
      keyPrefix: 'key',
      onchange: () => undefined,
    });
    await expect(failing.run()).rejects.toThrow('cut off');
    expect(failing.outcome.stored).toBe(5);
    void [requests, settle, sender];
  });

  it('counts the rows that are faulty before they are sent, and sends no empty part', async () => {
    const rejected = [{ number: 2, values: [], faults: [] }];
    const { sender, requests } = service([part(0, 0, 1, { rejected, spans: [] })]);
    await sender.run();
    expect([requests.length, sender.outcome.rejected, sender.outcome.rejectedRows]).toEqual([0, 1, rejected]);
  });
});
