/** The statistics of a window: exact numbers, percentiles, histograms, copies and downloads. */
import { readFileSync } from 'node:fs';

import { parquetMetadata } from 'hyparquet';
import type { Page } from '@playwright/test';

import type { Analysis, Statistics } from './api';
import { copiedText, expect, expectAccessible, sharedTest as test } from './test';
import { Plot } from './plot';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();
const READINGS = 500;

function row(second: number): string {
  return `${time(second)},${second / 7},${Math.cos(second)},${1e-7 * second}`;
}

function statisticsOf(page: Page) {
  return page.getByRole('region', { name: 'Statistics of this window' });
}

/** Returns the numbers of a row of the table: all digits are in the explanations of the cells. */
async function numbers(page: Page, name: string): Promise<number[]> {
  const cells = statisticsOf(page)
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name, exact: true }) })
    .getByRole('cell');
  const titles = await cells.evaluateAll((list) => list.map((cell) => cell.getAttribute('title') ?? ''));
  return titles.map((text) => Number(text.replaceAll(',', '').replace('−', '-')));
}

test('the numbers are those of the service, to the last digit', async ({ page, api, server }) => {
  await api.createDevice('statistics-exact');
  await api.sendTable(
    'statistics-exact',
    Array.from({ length: READINGS }, (_, second) => row(second)),
  );
  // Only a part of the readings is in the window.
  await page.goto(`/?device=statistics-exact&from=${time(100)}&until=${time(400)}`);
  const statistics = statisticsOf(page);
  await expect(statistics.getByRole('table')).toBeVisible();
  await statistics.getByRole('textbox', { name: 'Percentile' }).fill('99.9');
  await statistics.getByRole('button', { name: 'Add' }).click();
  await statistics.getByRole('button', { name: 'Remove p25' }).click();
  await expect(page).toHaveURL(/percentiles=5,75,95,99.9/);
  await expect.poll(async () => (await numbers(page, 'p99.9 Remove p99.9')).some(Number.isNaN)).toBe(false);
  const path = `/stats/devices/statistics-exact/analysis?start_time=${time(100)}&until=${time(400)}`;
  const analysis = await api.send<Analysis>('GET', `${path}&percentiles=5,75,95,99.9&stats=mean,stddev`);
  const axes = ['x', 'y', 'z'] as const;
  const rows: [string, (statistics: Statistics) => number][] = [
    ['Count', ({ count }) => count],
    ['Sum', ({ sum }) => sum],
    ['Mean', ({ mean }) => mean],
    ['Stddev', ({ stddev }) => stddev],
    ['Minimum', ({ min_value }) => min_value],
    ['Median', ({ median }) => median],
    ['Maximum', ({ max_value }) => max_value],
    ['p99.9 Remove p99.9', ({ percentiles }) => percentiles.find((p) => p.percentile === 99.9)!.value],
  ];
  for (const [name, valueOf] of rows) {
    await expect.poll(() => numbers(page, name), name).toEqual(axes.map((axis) => valueOf(analysis[axis])));
  }
  expect(analysis.x.count).toBe(300);

  // The request and the response can be copied; the command gives the same response.
  await statistics.getByRole('button', { name: 'Copy as JSON' }).click();
  await expect.poll(async () => JSON.parse((await copiedText(page)) || 'null') as unknown).toEqual(analysis);
  await statistics.getByRole('button', { name: 'Copy as curl' }).click();
  await expect.poll(() => copiedText(page)).toContain('curl ');
  const [address] = /(?<=')http[^']*(?=')/.exec(await copiedText(page)) ?? [];
  expect(address).toContain(server.url);
  expect(await (await fetch(address!)).json()).toEqual(analysis);

  // Downloads have the readings of the window.
  const [csv] = await Promise.all([
    page.waitForEvent('download'),
    statistics.getByRole('link', { name: 'Download CSV' }).click(),
  ]);
  const lines = readFileSync(await csv.path(), 'utf8')
    .trim()
    .split('\n');
  expect(lines).toHaveLength(301);
  expect(lines[0]).toBe('device_id,timestamp,x,y,z');
  expect(lines[1]!.split(',').slice(2).map(Number)).toEqual([100 / 7, Math.cos(100), 1e-7 * 100]);
  const [parquet] = await Promise.all([
    page.waitForEvent('download'),
    statistics.getByRole('link', { name: 'Download Parquet' }).click(),
  ]);
  const bytes = readFileSync(await parquet.path());
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  expect(Number(parquetMetadata(file as ArrayBuffer).num_rows)).toBe(300);
});

test('an interval of a histogram is counted and shown on the plot', async ({ page, api }) => {
  await api.createDevice('statistics-histogram');
  const rows = Array.from({ length: 200 }, (_, n) => `${time(n)},${n < 150 ? 1 : 9},0,0`);
  await api.sendTable('statistics-histogram', rows);
  await page.goto(`/?device=statistics-histogram&from=${time(0)}&until=${time(200)}&axes=x`);
  const plot = new Plot(page);
  await plot.isDrawn();
  const statistics = statisticsOf(page);
  const histogram = statistics.getByRole('group', { name: 'Histogram of x' });
  await expect(histogram).toBeVisible();
  await expect(statistics).toContainText('Highest bar: 150 readings. Values from 1 to 9.');
  const picture = () =>
    plot
      .axis('x')
      .locator('canvas')
      .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());
  await page.mouse.move(0, 0);
  const before = await picture();

  // The upper half, by drag.
  await histogram.scrollIntoViewIfNeeded();
  const box = (await histogram.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 2, box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  // The number of the bin at which the drag began stayed instead.
  await expect(statistics).toContainText('50 of 200 readings (25%)');
  await page.mouse.move(0, 0);
  await expect.poll(picture).not.toBe(before);

  // By keyboard: the lower end moves to the start, so that the interval ends.
  const lower = statistics.getByRole('slider', { name: 'Lower end of the interval of x' });
  await lower.focus();
  await lower.press('Home');
  await expect(statistics).toContainText('Drag to select values.');
  await expect.poll(picture).toBe(before);
});

test('old values stay readable while new ones are loaded', async ({ page, api }) => {
  // They were dimmed: their texts had too little contrast.
  await api.createDevice('statistics-slow');
  await api.sendTable(
    'statistics-slow',
    Array.from({ length: 100 }, (_, second) => row(second)),
  );
  await page.goto(`/?device=statistics-slow&from=${time(0)}&until=${time(50)}`);
  const statistics = statisticsOf(page);
  await expect(statistics).toContainText(/Count\s*50/);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\/analysis\?/, async (route) => {
    await released;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Later' }).click();
  await expect(statistics).toHaveAttribute('aria-busy', 'true');
  await expect(statistics).toContainText(/Count\s*50/);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Zoom out' }).click();
  // The request is still held back.
  await expect(statistics).toHaveAttribute('aria-busy', 'true');
  await expect(statistics).toContainText(/Count\s*50/);
  release();
  await expect(statistics).toHaveAttribute('aria-busy', 'false');
  await expect(statistics).toContainText(/Count\s*75/);
});
