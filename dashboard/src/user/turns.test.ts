import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Turns } from './turns';

/** A task that ends when the test says so. */
class Task {
  #end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.#end = resolve));
  isRunning = false;
  hasBegun = false;
  readonly abort = new AbortController();

  run = async (): Promise<void> => {
    this.isRunning = this.hasBegun = true;
    await this.ended;
    this.isRunning = false;
  };

  end(): void {
    this.#end();
  }
}

async function settle(): Promise<void> {
  for (let count = 0; count < 20; count += 1) await Promise.resolve();
}

describe('turns', () => {
  it('never run more tasks than allowed, and run every task that is not aborted', async () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom('add', 'end', 'abort'), index: fc.nat(20) }), {
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (max, steps) => {
        const turns = new Turns(max);
        const tasks: Task[] = [];
        const results: Promise<unknown>[] = [];
        const waiting = new Set<Task>();
        for (const { kind, index } of steps) {
          if (kind === 'add') {
            const task = new Task();
            tasks.push(task);
            waiting.add(task);
            results.push(turns.run(task.run, task.abort.signal).catch(() => undefined));
          } else {
            const task = tasks[index % Math.max(tasks.length, 1)];
            if (kind === 'end') task?.end();
            else task?.abort.abort();
            if (task && kind === 'abort' && !task.isRunning) waiting.delete(task);
          }
          await settle();
          for (const task of tasks) if (task.hasBegun) waiting.delete(task);
          expect(tasks.filter((task) => task.isRunning).length).toBeLessThanOrEqual(max);
          // No turn is lost: tasks wait only while others run.
          if (waiting.size > 0) expect(tasks.filter((task) => task.isRunning).length).toBe(max);
        }
        for (const task of tasks) task.end();
        await Promise.all(results);
      }),
    );
  });

  it('pass on results and faults', async () => {
    const turns = new Turns(1);
    const { signal } = new AbortController();
    await expect(turns.run(() => Promise.resolve(5), signal)).resolves.toBe(5);
    await expect(turns.run(() => Promise.reject(new Error('no')), signal)).rejects.toThrow('no');
    await expect(turns.run(() => Promise.resolve(6), signal)).resolves.toBe(6);
    await expect(turns.run(() => Promise.resolve(7), AbortSignal.abort())).rejects.toThrow('abort');
  });
});
