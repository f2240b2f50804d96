/** The import of files: the review, the mapping, the formats, faulty rows, repeats, cancellation, and a lost server. */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

import type { Page } from '@playwright/test';

import { expect, expectAccessible, signIn, test } from './test';

const START = Date.UTC(2026, 10, 23, 10);
const time = (second: number) => new Date(START + second * 1_000).toISOString();

/** Returns a table of readings, one per second. */
function table(device: string, rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => `${device},${time(row)},${row},${-row / 8},1e-7\n`);
  return `device_id,timestamp,x,y,z\n${lines.join('')}`;
}

function fixture(name: string): Buffer {
  return readFileSync(new URL(`../src/import/fixtures/${name}`, import.meta.url));
}

async function choose(page: Page, name: string, content: string | Buffer): Promise<void> {
  const buffer = typeof content === 'string' ? Buffer.from(content) : content;
  await page
    .getByLabel('Choose a file')
    .setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
}

async function start(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start the import' }).click();
}

/** Waits for the end of the import, and returns its numbers. */
async function outcome(page: Page, title = 'Import finished'): Promise<Record<string, string>> {
  const section = page.getByRole('region', { name: title });
  await expect(section).toBeVisible({ timeout: 60_000 });
  const numbers = await section
    .locator('dl > div')
    .evaluateAll((pairs) =>
      pairs.map((pair) => [pair.querySelector('dt')!.textContent, pair.querySelector('dd')!.textContent]),
    );
  return Object.fromEntries(numbers) as Record<string, string>;
}

function role(page: Page, column: string) {
  return page.getByLabel(`Meaning of the column ${column}`);
}

test.beforeEach(async ({ page, auth }) => {
  if (auth === 'open') await page.goto('/?page=import');
});

test('a table of a logger is reviewed before anything is sent', async ({ page, api }) => {
  const content =
    'Gerät;Datum;Uhrzeit;AccX [g];AccY [g];AccZ [g];Temp\r\npumpe;25.10.2026;12:00:00;-0,25;1,5;2;21,5\r\n';
  await choose(page, 'logger.csv', Buffer.from(content, 'latin1'));
  await expect(page.getByText('Nothing has been sent yet')).toBeVisible();
  await expect(page.getByLabel('Encoding')).toHaveValue('windows-1252');
  await expect(page.getByLabel('Delimiter')).toHaveValue(';');
  for (const [column, name] of [
    ['Gerät', 'Device'],
    ['Datum', 'Time'],
    ['Uhrzeit', 'Time of day'],
    ['AccZ [g]', 'z'],
    ['Temp', 'Ignore'],
  ] as const) {
    await expect(role(page, column).locator('option:checked')).toHaveText(name);
  }
  const readings = page.getByRole('region', { name: 'First readings' });
  // The viewer's zone is Europe/Berlin. The times of the file are in UTC until another zone is chosen.
  await expect(readings).toContainText('25 Oct 2026, 13:00:00');
  await page.getByLabel('Zone of times without an offset').selectOption('Europe/Berlin');
  await expect(readings).toContainText('25 Oct 2026, 12:00:00');
  await expect(readings).toContainText('-0.25');
  await expectAccessible(page);
  expect(await api.hasDevice('pumpe')).toBe(false);

  await start(page);
  expect(await outcome(page)).toEqual({ Stored: '1', 'Already stored': '0', Faulty: '0' });
  await expectAccessible(page);
  expect(await api.send('GET', '/stats/devices/pumpe/latest')).toMatchObject({
    timestamp: '2026-10-25T11:00:00.000000Z',
    x: -0.25,
    y: 1.5,
    z: 2,
  });
  await expect(page.getByRole('link', { name: 'pumpe' })).toHaveAttribute(
    'href',
    '/?device=pumpe&from=2026-10-25T11:00:00Z&until=2026-10-25T11:00:01Z',
  );
});

test('the mapping of a table without names is completed by hand', async ({ page, api }) => {
  await choose(page, 'numbers.csv', '1,2,3\n4,5,6\n');
  const button = page.getByRole('button', { name: 'Start the import' });
  await expect(button).toBeDisabled();
  await expect(page.getByText('Choose the column of the time, or let all rows get')).toBeVisible();
  await page.getByLabel('One device for all rows').fill('pump-7');
  await page.getByLabel('Rows without a time get the time of their arrival').check();
  await role(page, 'Column 1').selectOption('z');
  await expect(page.getByText('Choose the column of x.')).toBeVisible();
  await role(page, 'Column 3').selectOption('x');
  await expectAccessible(page);
  await start(page);
  expect(await outcome(page)).toMatchObject({ Stored: '2' });
  expect(await api.send('GET', '/stats/devices/pump-7/latest')).toMatchObject({ x: 6, y: 5, z: 4 });
});

for (const [name, content, stored] of [
  ['readings.ndjson', '{"device_id":"a","timestamp":1795428000,"x":1,"y":2,"z":3}\n', '1'],
  ['readings.json.gz', gzipSync('[{"device_id":"a","timestamp":1795428000,"x":1,"y":2,"z":3}]'), '1'],
  ['readings.csv.zst', fixture('readings.csv.zst'), '2,000'],
  ['readings.parquet', fixture('small.parquet'), '6'],
  ['readings.arrow', fixture('small.arrow'), '6'],
] as const) {
  test(`${name} is imported`, async ({ page }) => {
    await choose(page, name, content);
    await start(page);
    expect(await outcome(page)).toEqual({ Stored: stored, 'Already stored': '0', Faulty: '0' });
  });
}

test('faulty rows are named by their line, and imported after a correction', async ({ page }) => {
  const content = `${table('pump-7', 3)}pump-7,${time(9)},one,2,3\n\npump-7,soon,1,2\n`;
  await choose(page, 'readings.csv', content);
  await expect(page.getByText('Faulty rows among the first 5: 2.')).toBeVisible();
  await start(page);
  expect(await outcome(page)).toEqual({ Stored: '3', 'Already stored': '0', Faulty: '2' });
  const rows = page.getByRole('region', { name: 'Faulty rows' }).getByRole('row');
  await expect(rows.nth(1)).toContainText(
    '5xInput should be a valid number, unable to parse string as a number',
  );
  await expect(rows.nth(2)).toContainText('7Whole rowthe row has 4 cells, but the header has 5');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download as CSV' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('readings.csv.rejected.csv');
  const rejected = readFileSync(await download.path(), 'utf8');
  expect(rejected.split('\n')[1]).toBe(
    `readings.csv,5,"x: Input should be a valid number, unable to parse string as a number",pump-7,2026-11-23T10:00:09.000000Z,one,2,3`,
  );

  await page.getByRole('button', { name: 'Import another file' }).click();
  await choose(page, 'corrected.csv', rejected.replace(',one,', ',1,'));
  await start(page);
  expect(await outcome(page)).toEqual({ Stored: '1', 'Already stored': '0', Faulty: '1' });
});

test('rows of missing devices are faulty unless they are registered', async ({ page, api }) => {
  await api.createDevice('pump-7');
  await choose(page, 'a.csv', `${table('pump-7', 2)}pump-8,${time(0)},1,2,3\n`);
  await page.getByLabel('Register devices that do not exist yet').uncheck();
  await start(page);
  expect(await outcome(page)).toEqual({ Stored: '2', 'Already stored': '0', Faulty: '1' });
  await expect(page.getByRole('region', { name: 'Faulty rows' }).getByRole('row').nth(1)).toContainText(
    '4Device',
  );
});

test('repeats are counted, and conflicts are explained', async ({ page }) => {
  await choose(page, 'a.csv', table('pump-7', 3));
  await start(page);
  await outcome(page);
  await page.getByRole('button', { name: 'Import another file' }).click();
  await choose(page, 'a.csv', `${table('pump-7', 3).replace(',1,', ',7,')}pump-7,${time(3)},1,2,3\n`);
  await start(page);
  expect(await outcome(page)).toEqual({
    Stored: '1',
    'Already stored': '3',
    'Of these, with other values': '1',
    Faulty: '0',
  });
  await expect(page.getByText('They have not been changed.')).toBeVisible();
});

test('a file that is no table is refused with advice', async ({ page }) => {
  await choose(page, 'book.xlsx', Buffer.from('PK\u0003\u0004workbook'));
  await expect(page.getByRole('alert')).toContainText('Save the sheet as CSV');
  await choose(page, 'a.csv', table('pump-7', 1));
  await expect(page.getByRole('heading', { name: 'a.csv' })).toBeVisible();
});

test('a dropped file is read', async ({ page }) => {
  const data = await page.evaluateHandle(
    (text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], 'dropped.csv'));
      return transfer;
    },
    table('pump-7', 1),
  );
  await page.getByRole('group', { name: 'File' }).dispatchEvent('drop', { dataTransfer: data });
  await expect(page.getByRole('heading', { name: 'dropped.csv' })).toBeVisible();
});

/** Delays each part, so that an import takes seconds on any machine. */
async function slowDown(page: Page): Promise<void> {
  await page.route('**/api/v1/stats/batch', async (route) => {
    await new Promise((done) => setTimeout(done, 300));
    await route.continue();
  });
}

test('an import goes on after a kill of the server, and stores nothing twice', async ({
  page,
  server,
  expected,
}) => {
  expected.lost = true;
  expected.statuses.add(503);
  await slowDown(page);
  await choose(page, 'a.csv', table('pump-7', 150_000));
  await start(page);
  await expect(page.getByText(/0,000 stored/)).toBeVisible();
  // A server that stops by itself may answer all parts first.
  await server.stop('SIGKILL');
  await expect(page.getByText('The import tries again until it succeeds')).toBeVisible();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expectAccessible(page);
  await server.start();
  // The import also goes on while another part of the page is shown.
  await page.getByRole('link', { name: 'Fleet' }).click();
  await page.getByRole('link', { name: 'Import', exact: true }).click();
  const numbers = await outcome(page);
  // The answer to a stored request may have been lost; its repetition gets the same answer.
  expect(numbers).toEqual({ Stored: '150,000', 'Already stored': '0', Faulty: '0' });
});

test('an import is cancelled after the parts in flight, and warns before the tab is closed', async ({
  page,
  api,
}) => {
  await slowDown(page);
  await choose(page, 'a.csv', table('pump-7', 150_000));
  await start(page);
  await expect(page.getByText(/0,000 stored/)).toBeVisible();
  const warning = page.waitForEvent('dialog');
  await page.close({ runBeforeUnload: true });
  expect((await warning).type()).toBe('beforeunload');
  await (await warning).dismiss();
  await page.getByRole('button', { name: 'Cancel' }).click();
  const numbers = await outcome(page, 'Import cancelled');
  const { x } = await api.send<{ x: { count: number } }>('GET', '/stats/devices/pump-7/analysis');
  expect(Number(numbers.Stored!.replaceAll(',', ''))).toBe(x.count);
  expect(x.count).toBeLessThan(150_000);
  await expect(page.getByText('To continue, import the file again')).toBeVisible();
});

test.describe('with tokens', () => {
  test.use({ auth: 'token' });

  test('a caller without the scope to register devices is not offered it', async ({
    page,
    server,
    api,
    expected,
  }) => {
    const user = await api.createUser('ada');
    await api.createDevice('pump-7', { user_id: user });
    await signIn(page, server.createToken('--user', 'ada', '--scope', 'ingest', '--scope', 'read'), expected);
    await page.getByRole('link', { name: 'Import', exact: true }).click();
    await choose(page, 'a.csv', table('pump-7', 1));
    await expect(page.getByRole('button', { name: 'Start the import' })).toBeEnabled();
    await expect(page.getByText('Register devices')).toBeHidden();
    await start(page);
    expect(await outcome(page)).toMatchObject({ Stored: '1' });
  });

  test('a caller who may not send readings is told so', async ({ page, server, api, expected }) => {
    await api.createUser('ada');
    await signIn(page, server.createToken('--user', 'ada', '--scope', 'read'), expected);
    await expect(page.getByRole('link', { name: 'Import', exact: true })).toBeHidden();
    await page.goto('/?page=import');
    await expect(page.getByText('You may not send readings')).toBeVisible();
  });
});
