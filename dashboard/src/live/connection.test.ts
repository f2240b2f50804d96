import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';

import { fetchTransport } from './connection';
import type { LiveReading } from './messages';
import type { Ending } from './stream';

afterEach(() => vi.unstubAllGlobals());

/** Opens a connection to a response. Resolves with everything that it reports. */
async function read(response: Response | Error) {
  const fetch = vi.fn(async (_address: string, _init: RequestInit) => {
    if (response instanceof Error) throw response;
    return response;
  });
  vi.stubGlobal('fetch', fetch);
  const readings: LiveReading[] = [];
  let lastId = '';
  let opened = 0;
  const ending = await new Promise<Ending>((resolve) => {
    const transport = fetchTransport(() => ({
      opened: () => (opened += 1),
      received: (_connection, batch, id) => {
        readings.push(...batch);
        lastId = id;
      },
      closed: (_connection, ending) => resolve(ending),
    }));
    transport.open(1, '/live', 'a-7');
  });
  return { readings, lastId, opened, ending, init: fetch.mock.calls[0]?.[1] };
}

function streamOf(parts: Uint8Array[], fault?: Error): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of parts) controller.enqueue(part);
      if (fault) controller.error(fault);
      else controller.close();
    },
  });
  return new Response(body);
}

const EVENTS = [
  'retry: 1000\nid: a-8\n\n',
  'event: reading\nid: a-9\ndata: {"device_id":"Pümpe 🚰","timestamp":"2026-11-23T10:00:00.250000Z","x":1.5,"y":-0.25,"z":9.81}\n\n',
  ': \n\nevent: other\ndata: {}\n\n',
].join('');

it('reads the readings of a response in any chunks of bytes', async () => {
  const bytes = new TextEncoder().encode(EVENTS);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (places) => {
      const ends = [...places, bytes.length].sort((a, b) => a - b);
      const parts = ends
        .map((end, i) => bytes.slice(ends[i - 1] ?? 0, end))
        .filter(({ length }) => length > 0);
      const { readings, lastId, opened, ending } = await read(streamOf(parts));
      expect(readings).toEqual([
        {
          deviceId: 'Pümpe 🚰',
          timeUs: Date.UTC(2026, 10, 23, 10) * 1_000 + 250_000,
          x: 1.5,
          y: -0.25,
          z: 9.81,
        },
      ]);
      expect([lastId, opened, ending]).toEqual(['a-9', 1, { kind: 'complete' }]);
    }),
  );
});

it('sends the id of the last event', async () => {
  const { init } = await read(streamOf([]));
  expect(new Headers(init?.headers).get('last-event-id')).toBe('a-7');
});

it('tells a refusal, a lost connection and a malformed event apart', async () => {
  const refusal = new Response('{}', { status: 503, headers: { 'retry-after': '2' } });
  expect((await read(refusal)).ending).toEqual({ kind: 'refused', status: 503, retryAfterMs: 2_000 });
  expect((await read(new Response('{}', { status: 404 }))).ending).toEqual({
    kind: 'refused',
    status: 404,
    retryAfterMs: null,
  });
  expect((await read(new TypeError('no network'))).ending).toEqual({ kind: 'failed' });
  const cut = await read(streamOf([], new TypeError('cut')));
  expect([cut.opened, cut.ending]).toEqual([1, { kind: 'failed' }]);
  const malformed = await read(streamOf([new TextEncoder().encode('event: reading\ndata: {\n\n')]));
  expect(malformed.ending).toEqual({ kind: 'failed' });
});

it('reports nothing after it was closed', async () => {
  vi.stubGlobal('fetch', async (_address: string, { signal }: RequestInit) => {
    return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
  });
  const closed = vi.fn();
  const transport = fetchTransport(() => ({ opened: vi.fn(), received: vi.fn(), closed }));
  transport.open(1, '/live', null);
  transport.close(1);
  await new Promise((resolve) => setTimeout(resolve));
  expect(closed).not.toHaveBeenCalled();
});
