import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Picture, Wanted } from './requests';
import type { Samples, TimedReading } from './samples';

type Listener = {
  onReadings: (readings: readonly TimedReading[]) => void;
  onState: (state: 'live' | 'lost', status: number | null) => void;
};
let listener: Listener;
interface Request {
  wanted: Wanted;
  signal: AbortSignal;
  answer: (picture: Picture) => void;
}
let requests: Request[] = [];

vi.mock('../live/subscribe', () => ({
  subscribe: (_: unknown, given: Listener) => {
    listener = given;
    return () => undefined;
  },
}));
vi.mock('./requests', async (original) => ({
  ...(await original<object>()),
  load: (wanted: Wanted, _: unknown, signal: AbortSignal) =>
    new Promise<Picture>((answer, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('', 'AbortError')));
      requests.push({ wanted, signal, answer });
    }),
}));
vi.stubGlobal('location', { origin: 'http://127.0.0.1' });
vi.stubGlobal('document', { hidden: false });
const { Signal } = await import('./signal.svelte');

const START_MS = Date.UTC(2026, 10, 23);
const subject = { deviceId: 'a' };
const shown = {
  subject,
  zone: 'UTC',
  hasMagnitude: false,
  widthPx: 800,
  range: { kind: 'last' as const, seconds: 60 },
};

function bucketsOf({ fromUs, untilUs }: { fromUs: number; untilUs: number }): Picture {
  const bucketUs = 100_000;
  const count = Math.floor((untilUs - fromUs) / bucketUs);
  const startsUs = Array.from({ length: count }, (_, i) => fromUs + i * bucketUs);
  const values = startsUs.map(() => 1);
  const column = { low: values, mid: values, high: values };
  const samples: Samples = {
    kind: 'buckets',
    startsUs,
    endsUs: startsUs.map((us) => us + bucketUs),
    counts: startsUs.map(() => 10),
    axes: { x: column, y: column, z: column },
  };
  return { samples, window: { fromUs, untilUs }, bucketUs };
}

/** Answers the newest request. */
async function answer() {
  const { wanted, answer } = requests.at(-1)!;
  answer(bucketsOf(wanted.window!));
  await vi.advanceTimersByTimeAsync(0);
}

function reading(timeUs: number, x = 1): TimedReading {
  return { timeUs, deviceId: 'a', x, y: 0, z: 0 };
}

beforeEach(() => {
  vi.useFakeTimers({ now: START_MS });
  requests = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the signal', () => {
  it('keeps the old picture until the new one arrives, and aborts outdated requests', async () => {
    const signal = new Signal();
    signal.show(shown);
    expect(signal.isKnown).toBe(false);
    await answer();
    const { samples } = signal;
    expect(signal.isStale).toBe(false);
    signal.show({ ...shown, range: { kind: 'between', fromUs: 1e15, untilUs: 1e15 + 1e6 } });
    signal.show({ ...shown, range: { kind: 'between', fromUs: 1e15, untilUs: 1e15 + 2e6 } });
    expect(signal.isStale).toBe(true);
    expect(signal.samples).toBe(samples);
    expect(signal.window).toEqual({ fromUs: 1e15, untilUs: 1e15 + 2e6 });
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
    await answer();
    expect(signal.isStale).toBe(false);
    expect(signal.samples.startsUs[0]).toBe(1e15);
  });

  it('shows nothing of another device', async () => {
    const signal = new Signal();
    signal.show(shown);
    await answer();
    signal.show({ ...shown, subject: { deviceId: 'b' } });
    expect(signal.samples.startsUs).toEqual([]);
    expect(signal.isKnown).toBe(false);
  });

  it('shows live readings within a second, whatever their order, and moves with the clock', async () => {
    const signal = new Signal();
    signal.show(shown);
    await answer();
    const end = signal.follow(subject);
    const nowUs = START_MS * 1000;
    listener.onReadings([reading(nowUs + 50_000, 7), reading(nowUs - 30e6, -7)]);
    await vi.advanceTimersByTimeAsync(900);
    expect(signal.samples.axes.x!.high.at(-1)).toBe(7);
    expect(signal.samples.axes.x!.low).toContain(-7);
    expect(signal.window!.untilUs).toBeGreaterThan(nowUs);
    expect(signal.newest?.x).toBe(7);
    end();
  });

  it('asks again after readings have arrived, and after the stream was lost, but not without a reason', async () => {
    const signal = new Signal();
    signal.show(shown);
    await answer();
    const end = signal.follow(subject);
    // A reading may have been committed between the answer and the begin of the stream.
    listener.onState('live', null);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(requests).toHaveLength(2);
    await answer();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(requests).toHaveLength(2);
    listener.onReadings([reading(Date.now() * 1000)]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(requests).toHaveLength(3);
    await answer();
    listener.onState('lost', null);
    listener.onState('live', null);
    expect(requests).toHaveLength(4);
    end();
  });

  it('stays bounded at 100 readings/s', async () => {
    const signal = new Signal();
    signal.show(shown);
    await answer();
    const end = signal.follow(subject);
    let most = 0;
    for (let step = 0; step < 3_000; step += 1) {
      const nowUs = Date.now() * 1000;
      listener.onReadings(Array.from({ length: 10 }, (_, i) => reading(nowUs + i * 10_000)));
      await vi.advanceTimersByTimeAsync(100);
      if (signal.isLoading) await answer();
      most = Math.max(most, signal.samples.startsUs.length);
    }
    // A picture has 600 buckets; at most 2 s and a step are added before the next one.
    expect(most).toBeLessThan(700);
    expect(requests.length).toBeGreaterThan(100);
    expect(requests.length).toBeLessThanOrEqual(152);
    end();
  });

  it('does nothing while the page is hidden', async () => {
    const signal = new Signal();
    signal.show(shown);
    await answer();
    const end = signal.follow(subject);
    vi.stubGlobal('document', { hidden: true });
    listener.onReadings([reading(Date.now() * 1000)]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).toHaveLength(1);
    vi.stubGlobal('document', { hidden: false });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(requests).toHaveLength(2);
    end();
  });

  it('shows the next day when today is over', async () => {
    vi.setSystemTime(START_MS + 86_400_000 - 2_000);
    const signal = new Signal();
    signal.show({ ...shown, range: { kind: 'calendar', unit: 'day', offset: 0 } });
    await answer();
    const end = signal.follow(subject);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(signal.window?.fromUs).toBe(START_MS * 1_000);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(signal.window?.fromUs).toBe((START_MS + 86_400_000) * 1_000);
    expect(signal.isStale).toBe(true);
    await answer();
    expect(requests).toHaveLength(2);
    expect(signal.isStale).toBe(false);
    end();
  });
});
