import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';

import {
  BATCH_INTERVAL_MS,
  HIDDEN_MAX_MS,
  PING_INTERVAL_MS,
  RETRY_PAUSE_MAX_MS,
  RETRY_PAUSE_MS,
  SILENCE_MAX_MS,
  TAB_SUBJECTS_MAX,
  UNANSWERED_PINGS_MAX,
  WAITING_READINGS_MAX,
} from './limits';
import type { FromTab, LiveReading, ToTab } from './messages';
import { Streams } from './streams';

const CONNECTIONS_MAX = 4;

function reading(timeUs: number): LiveReading {
  return { deviceId: 'pump', timeUs, x: 1, y: 2, z: 3 };
}

/** Streams with a network and tabs of the test, and a clock that only the test moves. */
class World {
  nowMs = 0;
  /** The open connections: address and `Last-Event-ID`. */
  readonly open = new Map<number, { address: string; lastEventId: string | null }>();
  openedTotal = 0;
  /** Tabs that do not answer. */
  readonly frozen = new Set<number>();
  readonly answers: number[] = [];
  readonly sent: { tab: number; message: ToTab }[] = [];
  readonly streams = new Streams({
    connectionsMax: CONNECTIONS_MAX,
    transport: {
      open: (connection, address, lastEventId) => {
        this.open.set(connection, { address, lastEventId });
        this.openedTotal += 1;
      },
      close: (connection) => this.open.delete(connection),
    },
    post: (tab, message) => {
      this.sent.push({ tab, message });
      if (message.kind === 'ping' && !this.frozen.has(tab)) this.answers.push(tab);
    },
    random: () => 1,
  });

  tab(tab: number, message: FromTab): void {
    this.streams.receive(tab, message, this.nowMs);
  }

  subscribe(tab: number, address: string, isHidden = false): void {
    this.tab(tab, { kind: 'subscribe', address, isHidden });
  }

  pass(ms: number): void {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      this.nowMs += Math.min(BATCH_INTERVAL_MS, end - this.nowMs);
      this.streams.tick(this.nowMs);
      for (const tab of this.answers.splice(0)) this.tab(tab, { kind: 'alive' });
    }
  }

  connectionOf(address: string): number | undefined {
    return [...this.open].find(([, stream]) => stream.address === address)?.[0];
  }

  /** The server accepts a request. */
  accept(address: string): void {
    this.streams.opened(this.connectionOf(address)!, this.nowMs);
  }

  send(address: string, readings: LiveReading[], id = ''): void {
    this.streams.received(this.connectionOf(address)!, readings, id, this.nowMs);
  }

  end(address: string, ending: Parameters<Streams['closed']>[1]): void {
    const connection = this.connectionOf(address)!;
    this.open.delete(connection);
    this.streams.closed(connection, ending, this.nowMs);
  }

  states(tab: number, address: string): string[] {
    return this.sent.flatMap(({ tab: to, message }) =>
      to === tab && message.kind === 'state' && message.address === address ? [message.state] : [],
    );
  }

  readings(tab: number): number[] {
    return this.sent.flatMap(({ tab: to, message }) =>
      to === tab && message.kind === 'readings' ? message.readings.map(({ timeUs }) => timeUs) : [],
    );
  }
}

let world: World;
beforeEach(() => {
  world = new World();
});

describe('one stream', () => {
  it('serves several tabs with one connection, and closes it after the last one', () => {
    world.subscribe(1, '/a');
    world.subscribe(2, '/a');
    expect(world.openedTotal).toBe(1);
    world.accept('/a');
    world.send('/a', [reading(1), reading(2)]);
    world.pass(BATCH_INTERVAL_MS);
    expect([world.readings(1), world.readings(2)]).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(world.states(2, '/a')).toEqual(['connecting', 'live']);
    world.tab(1, { kind: 'unsubscribe', address: '/a' });
    expect(world.open.size).toBe(1);
    world.tab(2, { kind: 'leave' });
    expect(world.open.size).toBe(0);
  });

  it('sends batches, and the next one only after the tab has taken the last', () => {
    world.subscribe(1, '/a');
    world.accept('/a');
    for (let time = 0; time < 50; time += 1) world.send('/a', [reading(time)]);
    world.pass(BATCH_INTERVAL_MS);
    for (let time = 50; time < 80; time += 1) world.send('/a', [reading(time)]);
    world.pass(10 * BATCH_INTERVAL_MS);
    const batches = () => world.sent.filter(({ message }) => message.kind === 'readings').length;
    expect(batches()).toBe(1);
    world.tab(1, { kind: 'taken', address: '/a' });
    world.pass(BATCH_INTERVAL_MS);
    expect(batches()).toBe(2);
    expect(world.readings(1)).toEqual(Array.from({ length: 80 }, (_, time) => time));
  });

  it('keeps the newest readings for a tab that takes nothing', () => {
    world.subscribe(1, '/a');
    world.accept('/a');
    world.send('/a', [reading(-1)]);
    world.pass(BATCH_INTERVAL_MS);
    for (let i = 0; i < 30; i += 1)
      world.send(
        '/a',
        Array.from({ length: 1_000 }, (_, j) => reading(i * 1_000 + j)),
      );
    world.tab(1, { kind: 'taken', address: '/a' });
    world.pass(BATCH_INTERVAL_MS);
    const times = world.readings(1).slice(1);
    expect(times).toHaveLength(WAITING_READINGS_MAX);
    expect([times[0], times.at(-1)]).toEqual([30_000 - WAITING_READINGS_MAX, 29_999]);
  });
});

describe('a lost connection', () => {
  it('is opened again from the last event, with longer pauses while it fails', () => {
    world.subscribe(1, '/a');
    world.accept('/a');
    world.send('/a', [reading(1)], 'e-1');
    world.pass(20_000);
    world.end('/a', { kind: 'failed' });
    expect(world.states(1, '/a')).toEqual(['connecting', 'live', 'lost']);
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const lostAtMs = world.nowMs;
      while (world.open.size === 0) world.pass(BATCH_INTERVAL_MS);
      pauses.push(world.nowMs - lostAtMs);
      expect(world.open.values().next().value?.lastEventId).toBe('e-1');
      world.end('/a', { kind: 'failed' });
    }
    expect(pauses).toEqual([1, 2, 4, 8, 15, 15, 15].map((factor) => factor * RETRY_PAUSE_MS));
    expect(world.states(1, '/a').at(-1)).toBe('lost');
    world.pass(RETRY_PAUSE_MAX_MS);
    world.accept('/a');
    expect(world.states(1, '/a').at(-1)).toBe('live');
  });

  it('is noticed by its silence', () => {
    world.subscribe(1, '/a');
    world.accept('/a');
    world.pass(SILENCE_MAX_MS - 1_000);
    world.send('/a', []);
    const first = world.connectionOf('/a');
    world.pass(SILENCE_MAX_MS - 1_000);
    expect(world.connectionOf('/a')).toBe(first);
    world.pass(1_000);
    expect(world.states(1, '/a').at(-1)).toBe('lost');
    expect(world.open.has(first!)).toBe(false);
  });

  it('is not called lost while a server restarts or ends the stream of a deleted device', () => {
    world.subscribe(1, '/a');
    world.accept('/a');
    world.end('/a', { kind: 'complete' });
    world.pass(RETRY_PAUSE_MS);
    world.end('/a', { kind: 'refused', status: 404, retryAfterMs: null });
    expect(world.states(1, '/a')).toEqual(['connecting', 'live', 'connecting', 'ended']);
    expect(world.sent.at(-1)?.message).toMatchObject({ status: 404 });
  });

  it.each([400, 401, 403, 404, 422])('ends with status %i, until the tab subscribes again', (status) => {
    world.subscribe(1, '/a');
    world.end('/a', { kind: 'refused', status, retryAfterMs: null });
    world.pass(60_000);
    expect([world.openedTotal, world.states(1, '/a').at(-1)]).toEqual([1, 'ended']);
    world.subscribe(1, '/a');
    expect([world.openedTotal, world.states(1, '/a').at(-1)]).toEqual([2, 'connecting']);
  });

  it.each([429, 500, 503])('is tried again after status %i, when the server allows it', (status) => {
    world.subscribe(1, '/a');
    world.end('/a', { kind: 'refused', status, retryAfterMs: 20_000 });
    expect(world.states(1, '/a').at(-1)).toBe('lost');
    world.tab(1, { kind: 'retry' });
    world.pass(19_900);
    expect(world.openedTotal).toBe(1);
    world.pass(BATCH_INTERVAL_MS);
    expect(world.openedTotal).toBe(2);
  });

  it('is tried at once when the network works again', () => {
    world.subscribe(1, '/a');
    for (let i = 0; i < 6; i += 1) {
      world.end('/a', { kind: 'failed' });
      world.tab(1, { kind: 'retry' });
      expect(world.open.size).toBe(1);
    }
  });
});

describe('the tabs', () => {
  it('release a stream that no visible tab watches, and get it back with the missed readings', () => {
    world.subscribe(1, '/a');
    world.subscribe(2, '/a', true);
    world.accept('/a');
    world.send('/a', [], 'e-9');
    for (let ms = 0; ms < 2 * HIDDEN_MAX_MS; ms += 10_000) {
      world.send('/a', []);
      world.pass(10_000);
    }
    expect(world.open.size).toBe(1);
    world.tab(1, { kind: 'visibility', isHidden: true });
    for (let ms = 0; ms < HIDDEN_MAX_MS; ms += 10_000) {
      expect(world.open.size).toBe(1);
      world.send('/a', []);
      world.pass(10_000);
    }
    world.pass(BATCH_INTERVAL_MS);
    expect(world.open.size).toBe(0);
    world.pass(30_000);
    expect(world.open.size).toBe(0);
    world.tab(2, { kind: 'visibility', isHidden: false });
    expect([...world.open.values()]).toEqual([{ address: '/a', lastEventId: 'e-9' }]);
  });

  it('are forgotten if they do not answer, also after the computer slept', () => {
    world.subscribe(1, '/a');
    world.subscribe(2, '/b');
    world.frozen.add(1);
    world.nowMs += 8 * 3_600_000;
    world.streams.tick(world.nowMs);
    expect(world.sent.some(({ message }) => message.kind === 'dropped')).toBe(false);
    world.pass((UNANSWERED_PINGS_MAX + 1) * PING_INTERVAL_MS);
    expect(world.sent.filter(({ message }) => message.kind === 'dropped').map(({ tab }) => tab)).toEqual([1]);
    world.tab(1, { kind: 'alive' });
    expect([...world.open.values()].map(({ address }) => address)).toEqual(['/b']);
    world.subscribe(1, '/a');
    expect(world.open.size).toBe(2);
  });

  it('that are visible get the connections of hidden ones', () => {
    for (let i = 0; i < CONNECTIONS_MAX; i += 1) world.subscribe(i, `/${i}`, i === 2);
    world.subscribe(9, '/9');
    expect([...world.open.values()].map(({ address }) => address)).toEqual(['/0', '/1', '/3', '/9']);
    world.subscribe(10, '/10');
    expect(world.open.size).toBe(CONNECTIONS_MAX);
    expect(world.states(10, '/10')).toEqual(['connecting']);
    world.tab(0, { kind: 'leave' });
    expect(world.connectionOf('/10')).toBeDefined();
  });

  it('watch a limited number of subjects', () => {
    for (let i = 0; i <= TAB_SUBJECTS_MAX; i += 1) world.subscribe(1, `/${i}`);
    expect(world.states(1, `/${TAB_SUBJECTS_MAX - 1}`)).toEqual(['connecting']);
    expect(world.states(1, `/${TAB_SUBJECTS_MAX}`)).toEqual(['ended']);
  });
});

describe('in any order of events', () => {
  type Step = (world: World) => void;
  const tab = fc.integer({ min: 1, max: 4 });
  const address = fc.integer({ min: 1, max: 7 }).map((n) => `/${n}`);
  const any = <T>(values: Iterable<T>, n: number): T | undefined =>
    [...values].at(n % Math.max([...values].length, 1));
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.tuple(tab, address, fc.boolean()).map(
      ([t, a, h]): Step =>
        (w) =>
          w.subscribe(t, a, h),
    ),
    fc.tuple(tab, address).map(
      ([t, address]): Step =>
        (w) =>
          w.tab(t, { kind: 'unsubscribe', address }),
    ),
    fc.tuple(tab, address).map(
      ([t, address]): Step =>
        (w) =>
          w.tab(t, { kind: 'taken', address }),
    ),
    fc.tuple(tab, fc.boolean()).map(
      ([t, isHidden]): Step =>
        (w) =>
          w.tab(t, { kind: 'visibility', isHidden }),
    ),
    fc.tuple(tab, fc.constantFrom('leave', 'alive', 'retry')).map(
      ([t, kind]): Step =>
        (w) =>
          w.tab(t, { kind }),
    ),
    fc.constantFrom(100, 1_000, 20_000).map(
      (ms): Step =>
        (w) =>
          w.pass(ms),
    ),
    fc.nat(9).map((n): Step => (w) => {
      const stream = any(w.open.values(), n);
      if (stream) w.accept(stream.address);
    }),
    fc.nat(9).map((n): Step => (w) => {
      const stream = any(w.open.values(), n);
      if (stream) w.send(stream.address, [reading(n)], `e-${n}`);
    }),
    fc.tuple(fc.nat(9), fc.constantFrom(0, 1, 404, 503)).map(([n, status]): Step => (w) => {
      const stream = any(w.open.values(), n);
      if (!stream) return;
      const broken = { kind: status === 0 ? 'failed' : 'complete' } as const;
      w.end(stream.address, status < 2 ? broken : { kind: 'refused', status, retryAfterMs: null });
    }),
  );

  it('connections stay few and different, and messages wait for their tabs', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = new World();
        for (const step of steps) {
          step(world);
          const open = [...world.open.values()].map(({ address }) => address);
          expect(open.length).toBeLessThanOrEqual(CONNECTIONS_MAX);
          expect(new Set(open).size).toBe(open.length);
        }
        for (const tab of [1, 2, 3, 4]) world.tab(tab, { kind: 'leave' });
        expect([world.open.size, world.streams.isActive]).toEqual([0, false]);
      }),
      { numRuns: 300 },
    );
  });

  it('visible tabs are live again once the server works', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World();
        for (const step of steps) step(world);
        for (const tab of [1, 2, 3, 4]) world.tab(tab, { kind: 'leave' });
        for (const address of ['/1', '/2', '/3', '/4']) world.subscribe(1, address);
        for (let ms = 0; ms < 2 * RETRY_PAUSE_MAX_MS; ms += 1_000) {
          world.pass(1_000);
          for (const { address } of world.open.values()) world.accept(address);
        }
        for (const address of ['/1', '/2', '/3', '/4']) expect(world.states(1, address).at(-1)).toBe('live');
      }),
      { numRuns: 100 },
    );
  });
});
