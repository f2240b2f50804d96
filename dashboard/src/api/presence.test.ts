import { describe, expect, it, vi } from 'vitest';

import { ApiFault } from './fault';
import { Presence, type Latest } from './presence';

const DEVICE = { deviceId: 'pump-7' };
const USER = { userId: 1 };
const WINDOW = { fromUs: 100, untilUs: 200 };
const signal = new AbortController().signal;

/** Returns a presence over devices with readings at given times, and the questions that it asks. */
function presenceOf(times: Record<string, number[]>, tooMany = false) {
  const newestIn = vi.fn(async (deviceId: string, window: { fromUs: number; untilUs: number } | null) => {
    const inside = (times[deviceId] ?? []).filter(
      (us) => !window || (us >= window.fromUs && us < window.untilUs),
    );
    return inside.length > 0 ? Math.max(...inside) : null;
  });
  const latestOf = vi.fn(async (): Promise<Latest[] | null> => {
    if (tooMany) return null;
    return Object.entries(times).map(([deviceId, all]) => ({
      deviceId,
      timeUs: all.length > 0 ? Math.max(...all) : null,
    }));
  });
  return { presence: new Presence({ newestIn, latestOf }), newestIn, latestOf };
}

describe('the presence of readings of a device', () => {
  it('is asked for once, and then known', async () => {
    const { presence, newestIn } = presenceOf({ 'pump-7': [50, 150] });
    const questions = [1, 2].map(() => presence.hasReadings(DEVICE, WINDOW, signal));
    expect(await Promise.all(questions)).toEqual([true, true]);
    expect(await presence.hasReadings(DEVICE, { fromUs: 150, untilUs: 151 }, signal)).toBe(true);
    expect(newestIn).toHaveBeenCalledOnce();
  });

  it('ends where a window begins or ends', async () => {
    const { presence } = presenceOf({ 'pump-7': [99, 200] });
    expect(await presence.hasReadings(DEVICE, WINDOW, signal)).toBe(false);
    expect(await presence.hasReadings(DEVICE, { fromUs: 99, untilUs: 100 }, signal)).toBe(true);
    expect(await presence.hasReadings(DEVICE, null, signal)).toBe(true);
  });

  it('is asked for again if the window was empty: readings may have arrived', async () => {
    const times: Record<string, number[]> = { 'pump-7': [] };
    const { presence } = presenceOf(times);
    expect(await presence.hasReadings(DEVICE, WINDOW, signal)).toBe(false);
    times['pump-7'] = [150];
    expect(await presence.hasReadings(DEVICE, WINDOW, signal)).toBe(true);
  });

  it('is known from readings that arrive, until they leave the window', async () => {
    const { presence, newestIn } = presenceOf({});
    presence.noteReading(DEVICE, 150);
    expect(await presence.hasReadings(DEVICE, WINDOW, signal)).toBe(true);
    expect(newestIn).not.toHaveBeenCalled();
    expect(await presence.hasReadings(DEVICE, { fromUs: 151, untilUs: 251 }, signal)).toBe(false);
    expect(newestIn).toHaveBeenCalledOnce();
  });

  it('is known from a bucket only if the whole bucket is in the window', async () => {
    const { presence, newestIn } = presenceOf({});
    presence.notePicture(DEVICE, { startsUs: [0, 100, 200], endsUs: [100, 200, 300], counts: [5, 0, 5] });
    expect(await presence.hasReadings(DEVICE, { fromUs: 200, untilUs: 300 }, signal)).toBe(true);
    expect(newestIn).not.toHaveBeenCalled();
    expect(await presence.hasReadings(DEVICE, { fromUs: 50, untilUs: 250 }, signal)).toBe(false);
    expect(newestIn).toHaveBeenCalledOnce();
  });

  it('is not that of another device, and is forgotten after a deletion', async () => {
    const { presence } = presenceOf({});
    presence.noteReading(DEVICE, 150);
    expect(await presence.hasReadings({ deviceId: 'pump-8' }, WINDOW, signal)).toBe(false);
    presence.forget();
    expect(await presence.hasReadings(DEVICE, WINDOW, signal)).toBe(false);
  });
});

describe('the presence of readings of a user', () => {
  it('is told by the latest readings of its devices', async () => {
    const { presence, newestIn } = presenceOf({ a: [50], b: [150], c: [] });
    expect(await presence.hasReadings(USER, WINDOW, signal)).toBe(true);
    expect(await presence.hasReadings(USER, { fromUs: 160, untilUs: 170 }, signal)).toBe(false);
    expect(newestIn).not.toHaveBeenCalled();
  });

  it('is asked for of the devices with later readings', async () => {
    const { presence, newestIn } = presenceOf({ a: [50], b: [50, 250], c: [150, 250] });
    expect(await presence.hasReadings(USER, WINDOW, signal)).toBe(true);
    expect(newestIn.mock.calls.map(([deviceId]) => deviceId)).toEqual(['b', 'c']);
    expect(await presence.hasReadings(USER, { fromUs: 200, untilUs: 240 }, signal)).toBe(false);
  });

  it('is assumed if there are too many devices to ask', async () => {
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`pump-${i}`, [250]]));
    const { presence, newestIn } = presenceOf(many);
    expect(await presence.hasReadings(USER, WINDOW, signal)).toBe(true);
    expect(newestIn).not.toHaveBeenCalled();
    expect(await presenceOf({}, true).presence.hasReadings(USER, WINDOW, signal)).toBe(true);
  });
});

describe('a request for the readings of a window', () => {
  const noReadings = new ApiFault(404, 'no_readings', 'No statistics found', null, null, []);

  it('is not sent if the window is empty', async () => {
    const { presence } = presenceOf({});
    const request = vi.fn(async () => 'data');
    expect(await presence.loadIfAny(DEVICE, WINDOW, request, signal)).toBeNull();
    expect(request).not.toHaveBeenCalled();
    presence.noteReading(DEVICE, 150);
    expect(await presence.loadIfAny(DEVICE, WINDOW, request, signal)).toBe('data');
  });

  it('forgets readings that somebody has deleted', async () => {
    const { presence, newestIn } = presenceOf({});
    presence.noteReading(DEVICE, 150);
    const request = vi.fn(() => Promise.reject(noReadings));
    expect(await presence.loadIfAny(DEVICE, WINDOW, request, signal)).toBeNull();
    expect(await presence.loadIfAny(DEVICE, WINDOW, request, signal)).toBeNull();
    expect(request).toHaveBeenCalledOnce();
    expect(newestIn).toHaveBeenCalledOnce();
  });

  it('is not sent after an abort, and keeps other faults', async () => {
    const { presence } = presenceOf({ 'pump-7': [150] });
    const abort = new AbortController();
    const aborted = presence.loadIfAny(DEVICE, WINDOW, async () => 'data', abort.signal);
    abort.abort();
    await expect(aborted).rejects.toThrow(DOMException);
    const request = () => Promise.reject(new Error('lost'));
    await expect(presence.loadIfAny(DEVICE, WINDOW, request, signal)).rejects.toThrow('lost');
  });
});
