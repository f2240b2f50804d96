/** The signal of a device: drawn values, gaps, spikes, zooming, ranges, zones, and the address. */
import { expect, sharedTest as test } from './test';
import { Plot } from './plot';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();
/** An address with a window, in seconds after the start. */
const address = (device: string, from: number, until: number) =>
  `/?device=${device}&from=${time(from)}&until=${time(until)}`;

interface Series {
  buckets: { start: string; end: string; stats: Record<string, Statistics> | null }[];
}
interface Statistics {
  min_value: number;
  median: number;
  max_value: number;
}

/** A reading with values that need all digits of a double. */
function row(second: number): string {
  return `${time(second)},${Math.sin(second / 700)},${second % 97},${Math.sqrt(second) / 3}`;
}

test('many readings are drawn as bands with medians, and few one by one @stores', async ({ page, api }) => {
  await api.createDevice('device-many');
  // One reading per second, and a gap of 1,000 seconds.
  const seconds = Array.from({ length: 10_000 }, (_, second) => second).filter(
    (s) => s < 4_000 || s >= 5_000,
  );
  await api.sendTable('device-many', seconds.map(row));
  const plot = new Plot(page);
  await page.goto('/');
  await page.getByRole('link', { name: 'device-many' }).click();
  const requested = page.waitForRequest((request) => request.url().includes('/device-many/series'));
  await page.getByRole('button', { name: 'All readings', exact: true }).click();
  const query = new URL((await requested).url()).search;
  await plot.isDrawn();
  expect(await plot.count()).toBe(9_000);

  // Each axis shows the values that the service answers, to the last digit.
  const { buckets: shown } = await api.send<Series>('GET', `/stats/devices/device-many/series${query}`);
  const [firstMs, lastMs] = [Date.parse(shown[0]!.start), Date.parse(shown.at(-1)!.end)];
  const bucketMs = Date.parse(shown[0]!.end) - firstMs;
  for (const second of [100, 2_345, 7_777, 9_800]) {
    const atMs = START + second * 1_000;
    await plot.hover((atMs - firstMs) / (lastMs - firstMs));
    await expect(plot.moment).not.toContainText('No readings here');
    const values = (await plot.values('x')) as { median: number };
    const near = shown.filter(({ start }) => Math.abs(Date.parse(start) - atMs) < 3 * bucketMs);
    const bucket = near.find(({ stats }) => stats?.x?.median === values.median);
    expect(bucket, `the median ${values.median} at ${atMs}`).toBeDefined();
    for (const axis of ['x', 'y', 'z'] as const) {
      const { min_value: min, median, max_value: max } = bucket!.stats![axis]!;
      expect(await plot.values(axis)).toEqual({ min, median, max });
    }
  }

  // The band of y reaches from 0 to 96; the gap stays empty.
  const band = await plot.drawnAt('y', 0.2);
  expect(Math.max(...band) - Math.min(...band)).toBeGreaterThan(0.7);
  expect(await plot.drawnAt('y', 0.45)).toEqual([]);
  expect(await plot.drawnAt('x', 0.45)).toEqual([]);
  await plot.hover(0.45);
  await expect(plot.moment).toHaveText('No readings here');

  // Closer, each reading is drawn; a double click leads back.
  const before = page.url();
  await plot.drag(0.2, 0.25);
  await plot.isDrawn();
  const count = await plot.count();
  expect(count).toBeGreaterThan(300);
  expect(count).toBeLessThan(700);
  await plot.hover(0.9);
  expect(await plot.values('y')).toHaveProperty('value');
  await plot.surface.focus();
  await page.keyboard.press('Home');
  const spoken = page.locator('.signal [aria-live]');
  await expect(spoken).toContainText('x ');
  const [y] = /(?<=y )\d+/.exec((await spoken.textContent()) ?? '') ?? [];
  expect(await plot.values('y')).toEqual({ value: Number(y) });
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => plot.values('y')).toEqual({ value: (Number(y) + 1) % 97 });
  await plot.surface.dblclick();
  await expect(page).toHaveURL(before);
  await plot.isDrawn();
  await expect.poll(() => plot.count()).toBe(9_000);
});

test('a spike of one reading is visible among many', async ({ page, api }) => {
  const count = Number(process.env.SPIKE_READINGS ?? 200_000);
  const spike = Math.floor(count * 0.7);
  test.setTimeout(120_000 + count / 20);
  await api.createDevice('device-spike');
  const step = 100_000;
  for (let first = 0; first < count; first += step) {
    const rows = Array.from({ length: Math.min(step, count - first) }, (_, i) => {
      const n = first + i;
      return `${time(n / 100)},${n === spike ? 4321.0625 : (n % 10) / 10},0,1`;
    });
    await api.sendTable('device-spike', rows);
  }
  await page.goto(address('device-spike', 0, count / 100));
  const plot = new Plot(page);
  await plot.isDrawn();
  expect(await plot.count()).toBe(count);
  // The axis covers it: the summary and the drawn height tell its value.
  expect(await plot.summary()).toContain('x from 0 to 4,321.0625');
  const at = spike / count;
  expect(Math.max(...(await plot.drawnAt('x', at)))).toBeGreaterThan(0.75);
  expect(Math.max(...(await plot.drawnAt('x', at - 0.02)))).toBeLessThan(0.2);
  await plot.surface.focus();
  await plot.hover(at);
  // A bucket is about a pixel wide.
  for (let n = 0; n < 3 && maximum(await plot.values('x')) !== 4321.0625; n += 1)
    await page.keyboard.press(n === 0 ? 'ArrowLeft' : 'ArrowRight');
  expect(maximum(await plot.values('x'))).toBe(4321.0625);
});

function maximum(values: object | null): number {
  return (values as { max?: number } | null)?.max ?? NaN;
}

test('late readings draw no line across', async ({ page, api }) => {
  await api.createDevice('device-late');
  const nowMs = Date.now();
  const at = (second: number) => new Date(nowMs - second * 1_000).toISOString();
  const reading = (second: number, x: number) => ({ x, y: 0, z: 0, timestamp: at(second) });
  // Low until 150 seconds ago, high afterwards.
  const early = Array.from({ length: 70 }, (_, n) => reading(290 - 2 * n, 0));
  await api.sendReadings('device-late', [...early, ...early.map((_, n) => reading(148 - 2 * n, 10))]);
  await page.goto('/?device=device-late&last=5m');
  const plot = new Plot(page);
  await plot.isDrawn();
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  expect(await plot.count()).toBe(140);
  // A new picture would have the readings in order. It is held back, so that the late reading comes from the live
  // stream only.
  await page.route(/\/device-late\/(path|series)\?/, () => undefined);
  await api.sendReading('device-late', reading(281, -5));
  await expect.poll(() => plot.count()).toBe(141);
  expect(await plot.summary()).toContain('x from -5 to 10');
  // Half way between low and high, there is only the step.
  const crossings = await plot.drawnAcross('x', 0.66);
  expect(crossings.length).toBeGreaterThan(0);
  expect(Math.max(...crossings) - Math.min(...crossings)).toBeLessThan(0.03);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('axes, ranges, zones and the window are part of the address', async ({ page, api, context }) => {
  await api.createDevice('device-view');
  const startMs = Date.now() - 1_800_000;
  const readings = Array.from({ length: 30 }, (_, minute) => ({
    ...{ x: 3, y: 4, z: 12 },
    timestamp: new Date(startMs + minute * 60_000).toISOString(),
  }));
  await api.sendReadings('device-view', readings);
  await page.goto('/?device=device-view');
  const plot = new Plot(page);
  await plot.isDrawn();
  const axes = page.getByRole('group', { name: 'Axes' });
  await axes.getByRole('button', { name: 'Magnitude' }).click();
  await axes.getByRole('button', { name: 'y' }).click();
  await expect(plot.axis('y')).toHaveCount(0);
  await expect(plot.axis('magnitude')).toHaveCount(1);
  await plot.isDrawn();
  await expect.poll(() => plot.summary()).toContain('Magnitude from 13 to 13');

  // Common ranges, and one by hand.
  await page.getByRole('button', { name: 'Last 6 hours' }).click();
  await expect(page).toHaveURL(/last=6h/);
  await page.getByRole('button', { name: 'Today' }).click();
  await expect(page).toHaveURL(/during=today/);
  await expect(page.getByRole('button', { name: 'Today' })).toHaveAttribute('aria-pressed', 'true');
  const range = page.getByLabel('Range, such as');
  await range.fill('2026-11-03 12:00 .. 2026-11-01');
  await expect(page.getByText('Write the earlier end first')).toBeVisible();
  await range.fill('2026-11-01 12:00 .. 2026-11-03');
  await range.press('Enter');
  // The viewer's zone is Berlin: a time without an offset is read in that zone.
  await expect(page).toHaveURL(/from=2026-11-01T11:00:00Z&until=2026-11-03T23:00:00Z/);
  await expect(page.getByText('There are no readings in this window.').first()).toBeVisible();
  await page.getByRole('button', { name: 'Show all readings' }).click();
  await expect.poll(() => plot.count()).toBe(30);
  await plot.drag(0.25, 0.75);
  await plot.isDrawn();
  await expect.poll(() => plot.count()).toBeLessThan(20);

  // The viewer chooses another zone, then UTC, then the viewer's own zone.
  const zone = page.getByRole('button', { name: 'Time zone:' });
  await expect(zone).toHaveAccessibleName('Time zone: Europe/Berlin');
  await zone.click();
  await page.getByLabel('Search a time zone').fill('kathm');
  await page.getByRole('option', { name: 'Asia/Kathmandu' }).click();
  await expect(page).toHaveURL(/zone=Asia\/Kathmandu/);
  const shown = await plot.summary();
  await zone.click();
  await page.getByRole('dialog', { name: 'Time zone' }).getByRole('button', { name: 'UTC' }).click();
  await expect(page).toHaveURL(/zone=UTC/);
  await expect.poll(() => plot.summary()).not.toBe(shown);
  await zone.click();
  await page.getByRole('dialog', { name: 'Time zone' }).getByRole('button', { name: 'My zone' }).click();
  await expect(page).not.toHaveURL(/zone=/);
  await plot.isDrawn();

  const other = await context.newPage();
  await other.goto(page.url());
  const same = new Plot(other);
  await same.isDrawn();
  await expect(same.axis('y')).toHaveCount(0);
  expect(await same.summary()).toBe(await plot.summary());
});

test('a window without readings is no error', async ({ page, api }) => {
  await api.createDevice('device-empty');
  await page.goto('/?device=device-empty');
  await expect(page.getByText('There are no readings in this window.').first()).toBeVisible();
  await page.getByRole('button', { name: 'All readings', exact: true }).click();
  await expect(page.getByText('There are no readings in this window. Choose')).toBeVisible();
  await page.getByRole('button', { name: 'Path' }).click();
  await expect(page.getByText('There are no readings in this window.').first()).toBeVisible();
});
