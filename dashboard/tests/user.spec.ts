/** The devices of a user: all together, beside each other, and two windows compared. */
import { expect, sharedTest as test } from './test';
import { Plot } from './plot';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();

/** Readings of a device, one per second; `level` is the value of x at the start. */
function rows(level: number, seconds: number): string[] {
  return Array.from({ length: seconds }, (_, n) => `${time(n)},${level + n / 8},${-n},1`);
}

interface UserAnalysis {
  aggregate_stats: { x: { count: number; median: number } };
  device_stats: { device_id: string; stats: { x: { count: number; median: number } } }[];
}

test('devices are beside each other, sorted, and two windows are compared', async ({ page, api }) => {
  const user = await api.createUser('user-ada');
  // By name: 9, 10, 11. By median: 10, 11, 9. The last device has no readings.
  const levels = { 'user-pump-9': 5, 'user-pump-10': 100, 'user-pump-11': 50 };
  await api.createDevices([...Object.keys(levels), 'user-pump-silent'], { user_id: user });
  for (const [device, level] of Object.entries(levels)) await api.sendTable(device, rows(level, 200));
  await page.goto(`/?user=${user}&from=${time(100)}&until=${time(200)}`);
  await expect(page.getByRole('heading', { level: 1, name: 'user-ada' })).toBeVisible();
  const plot = new Plot(page);
  await plot.isDrawn();
  expect(await plot.count()).toBe(300);

  const each = page.getByRole('region', { name: 'Each device' });
  const table = each.getByRole('table');
  const names = () =>
    table
      .getByRole('rowheader')
      .allTextContents()
      .then((all) => all.map((text) => text.trim()));
  const byName = ['All devices', 'user-pump-9', 'user-pump-10', 'user-pump-11', 'user-pump-silent'];
  await expect.poll(names).toEqual(byName);
  await expect(each).toContainText('1 device has no readings in this window.');
  const window = `start_time=${time(100)}&until=${time(200)}`;
  const analysis = await api.send<UserAnalysis>('GET', `/stats/users/${user}/analysis?${window}`);
  const headings = await table.getByRole('columnheader').allTextContents();
  const column = headings.findIndex((text) => text.includes('Median'));
  for (const { device_id, stats } of analysis.device_stats) {
    const row = table
      .getByRole('row')
      .filter({ has: page.getByRole('link', { name: device_id, exact: true }) });
    const median = row.locator('th, td').nth(column);
    expect(Number(await median.getAttribute('title'))).toBe(stats.x.median);
  }
  const median = table.getByRole('button', { name: 'Median' });
  await median.click();
  await expect(table.getByRole('columnheader', { name: 'Median' })).toHaveAttribute(
    'aria-sort',
    'descending',
  );
  await expect
    .poll(names)
    .toEqual(['All devices', 'user-pump-10', 'user-pump-11', 'user-pump-9', 'user-pump-silent']);
  await median.click();
  await expect
    .poll(names)
    .toEqual(['All devices', 'user-pump-9', 'user-pump-11', 'user-pump-10', 'user-pump-silent']);

  // A small plot of each device, in the order of the table, on a common scale.
  const plots = each.getByRole('article');
  await expect(plots).toHaveCount(4);
  await expect(plots.nth(1).getByRole('img')).toHaveAccessibleName('x of user-pump-11: 100 readings');
  await plots.nth(1).scrollIntoViewIfNeeded();
  const line = plots.nth(1).locator('path.line');
  await expect(line).toHaveAttribute('d', /^M/);
  const common = await line.getAttribute('d');
  await each.getByLabel('Same scale').uncheck();
  await expect(line).not.toHaveAttribute('d', common!);
  await expect(plots.last()).toContainText('No readings in this window');

  // The window before: x was lower by 100 / 8.
  const comparison = page.getByRole('region', { name: 'Comparison of two windows' });
  await comparison.getByRole('button', { name: 'This window and the one before' }).click();
  await expect(page).toHaveURL(/vs-from=/);
  const differences = comparison.getByRole('table');
  const row = differences
    .getByRole('row')
    .filter({ has: page.getByRole('link', { name: 'user-pump-9', exact: true }) });
  const cells = row.getByRole('cell');
  await expect(cells.nth(2)).toHaveAttribute('title', '+12.5');
  const now = Number(await cells.nth(0).getAttribute('title'));
  expect(now - Number(await cells.nth(1).getAttribute('title'))).toBe(12.5);
  // Both series are drawn over each other, and the cursor tells the values of both.
  const overlay = comparison.getByRole('application');
  await expect(overlay.locator('.x path.line')).toHaveCount(2);
  for (const series of await overlay.locator('.x path.line').all())
    await expect(series).toHaveAttribute('d', /^M/);
  await overlay.focus();
  await overlay.press('ArrowRight');
  await expect(overlay.locator('.x .head')).toContainText('This window');
  await expect(overlay.locator('.x .head')).toContainText('Other window');

  // An empty window is no error.
  const other = comparison.getByLabel('Range, such as');
  await other.fill('2020-01-01');
  await other.press('Enter');
  await expect(page).toHaveURL(/vs-from=2019-12-31/);
  await expect(cells.nth(1)).toHaveText('–');
  await comparison.getByRole('button', { name: 'End the comparison' }).click();
  await expect(page).not.toHaveURL(/vs-/);
});
