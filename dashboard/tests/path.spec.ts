/** The path of a device: two axes against each other, coloured by time. */
import { expect, sharedTest as test } from './test';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();
const READINGS = 25_000;

/** A spiral: x and y are coordinates, z is the height. */
function row(second: number): string {
  const [turn, radius] = [second / 400, 1 + second / READINGS];
  return `${time(second)},${radius * Math.cos(turn)},${radius * Math.sin(turn)},${second / 16}`;
}

test('a path is thinned by the service, coloured by time, and tells its readings', async ({ page, api }) => {
  await api.createDevice('path-drone');
  await api.sendTable(
    'path-drone',
    Array.from({ length: READINGS }, (_, second) => row(second)),
  );
  await page.goto(`/?device=path-drone&from=${time(0)}&until=${time(READINGS)}`);
  const answered = page.waitForResponse((response) => response.url().includes('/path-drone/path'));
  await page.getByRole('button', { name: 'Path' }).click();
  const response = await answered;
  const query = new URL(response.url()).searchParams;
  expect(Number(query.get('points'))).toBeLessThanOrEqual(10_000);
  const path = (await response.json()) as { count: number; x: number[]; y: number[]; timestamps: string[] };
  expect(path.count).toBe(READINGS);
  expect(path.x.length).toBeLessThan(READINGS);
  const region = page.getByRole('region', { name: 'Path' });
  await expect(region).toContainText(`${path.x.length.toLocaleString('en-GB')} of 25,000 readings`);

  // The first and the last reading have the colours of the ends of the legend.
  const plot = region.getByRole('img', { name: /^Path of/ });
  await expect(plot).toHaveAttribute('aria-label', /y over x/);
  const colours = await plot.locator('canvas').evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {
      willReadFrequently: true,
    })!;
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const found = new Set<string>();
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3]! > 200) found.add([0, 1, 2].map((part) => data[at + part]! >> 5).join());
    }
    return found.size;
  });
  expect(colours).toBeGreaterThan(5);

  // The slider chooses readings by time; the readout beside the point has all digits.
  const slider = region.getByRole('slider', { name: 'Time of the reading' });
  await slider.focus();
  await slider.press('Home');
  const readout = plot.locator('dl');
  await expect(readout).toContainText('23 Nov 2026, 11:00:00');
  await expect(readout.locator('dt', { hasText: /^x$/ }).locator('+ dd')).toHaveText('1');
  const marked = await plot.locator('.chosen').evaluate((circle) => getComputedStyle(circle).fill);
  await slider.press('End');
  const last = path.x.at(-1)!;
  const shown = await readout.locator('dt', { hasText: /^x$/ }).locator('+ dd').textContent();
  expect(Number(shown!.replace('−', '-'))).toBe(last);
  expect(await plot.locator('.chosen').evaluate((circle) => getComputedStyle(circle).fill)).not.toBe(marked);

  // Under the pointer is the reading at its place.
  const dot = (await plot.locator('.chosen').boundingBox())!;
  await page.mouse.move(0, 0);
  await page.mouse.move(dot.x + dot.width / 2 + 1, dot.y + dot.height / 2);
  await expect(readout).toBeVisible();
  await page.mouse.move(0, 0);
  await expect(readout).toHaveCount(0);

  // Other axes are part of the address. Choosing the other axis exchanges them.
  await region.getByLabel('Up').selectOption('z');
  await expect(page).toHaveURL(/path=x,z/);
  await expect(plot).toHaveAttribute('aria-label', /z over x/);
  await region.getByLabel('Across').selectOption('z');
  await expect(page).toHaveURL(/path=z,x/);
  await region.getByLabel('Draw').selectOption('Points');
  await page.reload();
  await expect(plot).toHaveAttribute('aria-label', /x over z/);
});

test('a path grows with live readings', async ({ page, api }) => {
  await api.createDevice('path-live');
  await api.sendReading('path-live', { x: 0, y: 0, z: 0 });
  await page.goto('/?device=path-live&last=5m&tab=path');
  const region = page.getByRole('region', { name: 'Path' });
  await expect(region).toContainText('1 reading');
  for (let n = 1; n <= 3; n += 1) await api.sendReading('path-live', { x: n, y: n * n, z: 0 });
  await expect(region).toContainText('4 readings');
  await expect(region.getByRole('img', { name: 'Path of 4 readings' })).toBeVisible();
});
