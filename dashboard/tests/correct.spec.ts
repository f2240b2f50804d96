/** Correcting the readings of a device: selecting, seeing and deleting them. */
import { expect, expectAccessible, signIn, test } from './test';
import { Plot } from './plot';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();

interface Reading {
  timestamp: string;
  x: number;
}

test('selected readings are shown and deleted, and only those', async ({ page, api }) => {
  await api.createDevice('pump-7', { name: 'Pump in hall 3' });
  await api.createDevice('pump-8');
  const rows = Array.from({ length: 300 }, (_, n) => `${time(n)},${n >= 120 && n < 180 ? 85 : n / 100},0,0`);
  for (const device of ['pump-7', 'pump-8']) await api.sendTable(device, rows);
  await page.goto(`/?device=pump-7&from=${time(0)}&until=${time(300)}`);
  const plot = new Plot(page);
  await plot.isDrawn();
  await expect.poll(() => plot.summary()).toContain('x from 0 to 85');

  // A drag while selecting does not zoom.
  const address = page.url();
  await page.getByRole('button', { name: 'Select', exact: true }).click();
  const section = page.getByRole('region', { name: 'Selected readings' });
  await expect(section).toBeVisible();
  await plot.drag(0.3, 0.5);
  expect(page.url()).toBe(address);
  // The drag ends somewhere near the readings; the ends are then set exactly. Berlin is an hour ahead.
  await section.getByLabel('From').fill('2026-11-23T11:02:00');
  await section.getByLabel('Until').fill('2026-11-23T11:03:00');
  await section.getByLabel('Until').blur();
  await expect(section.getByRole('row')).toHaveCount(61);
  await expect(section.getByRole('row').nth(1)).toContainText('11:02:59');
  await expect(section.getByRole('row').nth(1)).toContainText('85');
  await expectAccessible(page);

  const button = section.getByRole('button', { name: 'Delete 60 readings…' });
  await button.click();
  const dialog = page.getByRole('dialog', { name: 'Delete 60 readings?' });
  await expect(dialog).toContainText('pump-7 (Pump in hall 3)');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  const list = (device: string) =>
    api.send<Reading[]>('GET', `/stats/devices/${device}?start_time=${time(100)}&until=${time(200)}`);
  expect(await list('pump-7')).toHaveLength(100);
  await button.click();
  await dialog.getByRole('button', { name: 'Delete the readings' }).click();
  await expect(page.getByText('60 readings of pump-7 are deleted')).toBeVisible();
  await expect(section).toContainText('There are no readings between these times.');

  // The plot and the statistics follow, and nothing else is gone.
  await expect.poll(() => plot.summary()).toContain('x from 0 to 2.99');
  await expect.poll(() => plot.count()).toBe(240);
  await expect(page.getByRole('region', { name: 'Statistics of this window' })).toContainText(/Count\s*240/);
  const left = await list('pump-7');
  expect(left.map(({ timestamp }) => Date.parse(timestamp)).sort()).toEqual(
    [...Array.from({ length: 20 }, (_, n) => 100 + n), ...Array.from({ length: 20 }, (_, n) => 180 + n)].map(
      (second) => START + second * 1_000,
    ),
  );
  expect(await list('pump-8')).toHaveLength(100);
});

test('many readings are listed in pages, with their exact number', async ({ page, api }) => {
  await api.createDevice('pump-7');
  const rows = Array.from({ length: 450 }, (_, n) => `${time(n)},${n},0,0`);
  await api.sendTable('pump-7', rows);
  await page.goto(`/?device=pump-7&from=${time(0)}&until=${time(450)}`);
  const plot = new Plot(page);
  await plot.isDrawn();
  // With Shift, a drag selects at any time.
  await page.keyboard.down('Shift');
  await plot.drag(0, 0.9999);
  await page.keyboard.up('Shift');
  const section = page.getByRole('region', { name: 'Selected readings' });
  await expect(section.getByRole('row')).toHaveCount(101);
  await section.getByRole('button', { name: 'Older' }).click();
  await expect(section.getByRole('row').nth(1)).toContainText('11:05:49');
  await expect(section.getByRole('button', { name: /^Delete 450 readings/ })).toBeVisible();
  await section.getByRole('button', { name: 'Newer' }).click();
  await expect(section.getByRole('row').nth(1)).toContainText('11:07:29');
  await section.getByRole('button', { name: 'End the selection' }).click();
  await expect(section).toHaveCount(0);
});

test.describe('with tokens', () => {
  test.use({ auth: 'token' });

  test('a reader sees plots and readings, and deletes nothing', async ({ page, server, api, expected }) => {
    const ada = await api.createUser('ada');
    await api.createDevice('pump-7', { user_id: ada });
    const rows = Array.from({ length: 50 }, (_, n) => `${time(n)},${n},0,0`);
    await api.sendTable('pump-7', rows);
    await signIn(page, server.createToken('--user', 'ada', '--scope', 'read', '--name', 'reader'), expected);
    await page.getByRole('link', { name: 'pump-7' }).click();
    await page.getByRole('button', { name: 'All readings', exact: true }).click();
    const plot = new Plot(page);
    await plot.isDrawn();
    await expect.poll(() => plot.count()).toBe(50);
    await page.getByRole('button', { name: 'Select', exact: true }).click();
    const section = page.getByRole('region', { name: 'Selected readings' });
    await expect(section.getByRole('row').nth(1)).toBeVisible();
    await expect(page.getByRole('button', { name: 'Delete' })).toHaveCount(0);
    await expect(page.getByRole('button', { name: 'Edit' })).toHaveCount(0);
    await expect(page.getByText('Live', { exact: true })).toBeVisible();
  });
});
