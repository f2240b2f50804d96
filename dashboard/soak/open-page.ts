/** A page that stays open while 100 readings arrive each second. Its memory must not grow. */
import { expect, test, type Page } from '@playwright/test';

import { Api, type SentReading } from '../tests/api';
import { Server } from '../tests/server';

const MINUTES = Number(process.env.MINUTES ?? 60);
const READINGS_PER_SECOND = 100;
const REQUESTS_PER_SECOND = 10;
/** Time until the buffers are full: the page shows the last 5 minutes. */
const WARM_UP_MINUTES = Math.min(6, MINUTES / 4);
const GROWTH_MAX = 1.2;

/** Numbers of a page. */
interface Sample {
  minute: number;
  heapBytes: number;
  nodes: number;
  listeners: number;
}

test('a page does not grow', async ({ browser }) => {
  const server = new Server('sqlite', 'open');
  await server.start();
  let sending: NodeJS.Timeout | undefined;
  try {
    const api = new Api(server, null);
    await api.createDevice('pump-7');
    let sent = 0;
    const failures: unknown[] = [];
    sending = setInterval(() => {
      const readings = readingsAt(Date.now());
      void api.sendReadings('pump-7', readings).then(
        () => (sent += readings.length),
        (error: unknown) => failures.push(error),
      );
    }, 1_000 / REQUESTS_PER_SECOND);

    const page = await browser.newPage({ baseURL: server.url });
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto('/?device=pump-7&last=5m');
    await expect(page.getByText('Live', { exact: true })).toBeVisible();

    const samples: Sample[] = [];
    for (let minute = 1; minute <= MINUTES; minute += 1) {
      await page.waitForTimeout(60_000);
      const sample = await measure(page, minute);
      samples.push(sample);
      console.log(
        `minute ${minute}: heap ${(sample.heapBytes / 1e6).toFixed(1)} MB, ${sample.nodes} nodes, ` +
          `${sample.listeners} listeners, ${sent} readings sent`,
      );
    }
    const warm = samples.slice(WARM_UP_MINUTES);
    const part = Math.ceil(warm.length / 4);
    for (const figure of ['heapBytes', 'nodes', 'listeners'] as const) {
      const [first, last] = [warm.slice(0, part), warm.slice(-part)].map((some) => median(some, figure));
      expect(last! / first!, figure).toBeLessThan(GROWTH_MAX);
    }
    expect(failures).toEqual([]);
    expect(errors).toEqual([]);
    // The machine kept up, and the page still shows what arrives.
    expect(sent).toBeGreaterThan(0.9 * MINUTES * 60 * READINGS_PER_SECOND);
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
  } finally {
    clearInterval(sending);
    await server.remove();
  }
});

/** The readings of one request, up to a moment. */
function readingsAt(atMs: number): SentReading[] {
  const count = READINGS_PER_SECOND / REQUESTS_PER_SECOND;
  return Array.from({ length: count }, (_, index) => {
    const ms = atMs - ((count - 1 - index) * 1_000) / READINGS_PER_SECOND;
    const angle = (ms / 20_000) * 2 * Math.PI;
    return {
      x: Math.sin(angle),
      y: Math.cos(angle),
      z: (ms / 1_000) % 10,
      timestamp: new Date(ms).toISOString(),
    };
  });
}

/** Measures a page after its garbage was collected. */
async function measure(page: Page, minute: number): Promise<Sample> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const figure = (name: string) => metrics.find((metric) => metric.name === name)!.value;
  return {
    minute,
    heapBytes: figure('JSHeapUsedSize'),
    nodes: figure('Nodes'),
    listeners: figure('JSEventListeners'),
  };
}

function median(samples: readonly Sample[], figure: 'heapBytes' | 'nodes' | 'listeners'): number {
  const sorted = samples.map((sample) => sample[figure]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
