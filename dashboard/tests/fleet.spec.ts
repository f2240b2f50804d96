/** The fleet: registering, changing, moving and deleting of users and devices, the search, the states and the pages. */
import type { Page } from '@playwright/test';

import { expect, expectAccessible, test } from './test';

const READING = { x: 1, y: 2, z: 3 };
const NUMBERS = Array.from({ length: 120 }, (_, index) => String(index + 1).padStart(3, '0'));

function device(page: Page, name: string) {
  return page.getByRole('table', { name: 'Devices' }).getByRole('row').filter({ hasText: name });
}

test('a user and a device are registered', async ({ page, api }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Register a user' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Username').fill('ada');
  await dialog.getByLabel('Email').fill('ada@example.com');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Register' }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByText('ada is registered')).toBeVisible();

  await page.getByRole('button', { name: 'Register a device' }).click();
  await dialog.getByLabel('Device id').fill('pump-7');
  await dialog.getByLabel('Name', { exact: true }).fill('Pump in hall 3');
  await dialog.getByLabel('Owner').fill('ad');
  await dialog.getByRole('button', { name: 'ada ada@example.com' }).click();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Register' }).click();
  await expect(dialog).toBeHidden();

  const row = device(page, 'pump-7');
  await expect(row.getByRole('link', { name: 'Pump in hall 3' })).toBeVisible();
  await expect(row.getByRole('link', { name: 'ada' })).toBeVisible();
  const [user] = await api.send<{ id: number }[]>('GET', '/users');
  expect(await api.send('GET', '/devices/pump-7')).toMatchObject({
    name: 'Pump in hall 3',
    user_id: user!.id,
  });
});

test('a faulty form says what is wrong and keeps the input', async ({ page, api, expected }) => {
  await api.createDevice('pump-7');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'No readings yet' })).toBeVisible();
  await page.getByRole('button', { name: 'Register a device' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Device id').fill('pump-7');
  expected.statuses.add(400);
  await dialog.getByRole('button', { name: 'Register' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Device with this ID already exists');
  await expect(dialog.getByLabel('Device id')).toHaveValue('pump-7');
  await dialog.getByLabel('Number').fill('soon');
  await expect(dialog.getByText('Enter a number greater than 0')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Register' })).toBeDisabled();
  await expectAccessible(page);
});

test('a device is renamed, gets an expected interval, and moves to another user', async ({ page, api }) => {
  const [ada, eve] = [await api.createUser('ada'), await api.createUser('eve')];
  await api.createDevice('pump-7', { user_id: ada });
  await page.goto('/');
  await page.getByRole('button', { name: 'Edit pump-7' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Pump in hall 3');
  await dialog.getByLabel('Number').fill('2');
  await dialog.getByLabel('Unit').selectOption('hours');
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await dialog.getByLabel('Owner').fill('eve');
  await dialog.getByRole('button', { name: 'eve eve@example.com' }).click();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(device(page, 'Pump in hall 3').getByRole('link', { name: 'eve' })).toBeVisible();
  expect(await api.send('GET', '/devices/pump-7')).toMatchObject({ name: 'Pump in hall 3', user_id: eve });

  await page.getByRole('button', { name: 'Edit pump-7' }).click();
  await expect(dialog.getByLabel('Number')).toHaveValue('2');
});

test('a device is deleted only after a confirmation that names everything', async ({ page, api }) => {
  await api.createDevices(['pump-7', 'pump-8']);
  await api.sendReadings(
    'pump-7',
    NUMBERS.slice(0, 30).map((_, index) => ({ ...READING, timestamp: `2026-11-23T10:00:${10 + index}Z` })),
  );
  await page.goto('/');
  await page.getByRole('button', { name: 'Delete pump-7' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete the device pump-7?' });
  await expect(dialog).toContainText('30 readings');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  expect(await api.hasDevice('pump-7')).toBe(true);

  await page.getByRole('button', { name: 'Delete pump-7' }).click();
  await dialog.getByRole('button', { name: 'Delete the device' }).click();
  await expect(device(page, 'pump-7')).toHaveCount(0);
  await expect(device(page, 'pump-8')).toHaveCount(1);
  expect(await api.hasDevice('pump-7')).toBe(false);
});

test('a user is renamed, and deleted with its devices', async ({ page, api }) => {
  const ada = await api.createUser('ada');
  await api.createDevices(['pump-7', 'pump-8'], { user_id: ada });
  await api.createDevice('other');
  await api.sendReading('pump-7', READING);
  await page.goto('/');
  await page.getByRole('button', { name: 'Users', exact: true }).click();
  await page.getByRole('button', { name: 'Edit ada' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Username').fill('ada-lovelace');
  await form.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Delete ada-lovelace' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete the user ada-lovelace?' });
  for (const text of ['ada@example.com', '2 devices', 'pump-7', 'pump-8', '1 reading']) {
    await expect(dialog).toContainText(text);
  }
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Delete the user' }).click();
  await expect(page.getByText('There are no users yet.')).toBeVisible();
  expect(await api.hasDevice('pump-7')).toBe(false);
  expect(await api.hasDevice('other')).toBe(true);
});

test('devices are searched, and the address holds the search', async ({ page, api }) => {
  await api.createDevices(['pump-7', 'fan-1', 'fan-2']);
  await api.createDevice('x-9', { name: 'Fan on the roof' });
  await api.sendReading('pump-7', READING);
  await page.goto('/');
  await expect(device(page, 'pump-7')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search' }).fill('fan');
  await expect(device(page, 'pump-7')).toHaveCount(0);
  for (const name of ['fan-1', 'fan-2', 'Fan on the roof']) await expect(device(page, name)).toBeVisible();
  expect(page.url()).toContain('search=fan');
  await page.reload();
  await expect(page.getByRole('searchbox', { name: 'Search' })).toHaveValue('fan');
  await expect(device(page, 'fan-2')).toBeVisible();
  await page.getByRole('searchbox', { name: 'Search' }).fill('nothing like this');
  await expect(page.getByText('No device on this page meets the conditions')).toBeVisible();
});

test('states are counted, marked and chosen', async ({ page, api }) => {
  await api.createDevice('waiting-1');
  await api.createDevice('reporting-1', { expected_interval_s: 3_600 });
  await api.createDevice('silent-1', { expected_interval_s: 0.5 });
  await api.createDevice('wrong-clock-1', { expected_interval_s: 3_600 });
  await api.sendReading('reporting-1', READING);
  await api.sendReading('silent-1', READING);
  for (let second = 0; second < 5; second++) {
    const timestamp = new Date(Date.now() + 7_200_000 + second).toISOString();
    await api.sendReading('wrong-clock-1', { ...READING, timestamp });
  }
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    '1 device is silent, and 1 clock is wrong.',
  );
  await expect(device(page, 'silent-1')).toContainText('Silent');
  await expect(device(page, 'waiting-1')).toContainText('No readings yet');
  await expect(device(page, 'wrong-clock-1')).toContainText(/2 h\w* ahead/);
  await expect(device(page, 'reporting-1')).toContainText('Reporting');

  for (const [tile, name] of [
    ['1 silent', 'silent-1'],
    ['1 wrong clock', 'wrong-clock-1'],
    ['1 no readings yet', 'waiting-1'],
  ] as const) {
    await page.getByRole('button', { name: tile }).click();
    await expect(device(page, '-1')).toHaveCount(1);
    await expect(device(page, name)).toBeVisible();
  }
  expect(page.url()).toContain('state=waiting');
  await page.goBack();
  await expect(device(page, 'wrong-clock-1')).toBeVisible();
});

test('lists of devices and users are divided into pages', async ({ page, api }) => {
  await api.createDevices(NUMBERS.map((number) => `pump-${number}`));
  for (const number of NUMBERS.slice(0, 60)) await api.createUser(`user-${number}`);
  await api.sendReading('pump-001', READING);
  await page.goto('/');
  const names = page.getByRole('table', { name: 'Devices' }).getByRole('rowheader');
  const pages: string[][] = [];
  for (const rows of [50, 50, 20]) {
    await expect(names).toHaveCount(rows);
    // The next page may have the same number of devices.
    if (pages.length > 0) await expect(names.first()).not.toHaveText(pages[0]![0]!);
    pages.push((await names.allTextContents()).map((name) => name.trim()));
    const next = page.getByRole('button', { name: 'Next' });
    if (rows === 50) await next.click();
    else await expect(next).toBeDisabled();
  }
  expect(new Set(pages.flat()).size).toBe(120);
  await page.getByRole('button', { name: 'Previous' }).click();
  await expect(names).toHaveText(pages[1]!);

  await page.getByRole('button', { name: 'Users', exact: true }).click();
  await expect(page.getByRole('link', { name: 'user-050' })).toBeVisible();
  await page
    .getByRole('navigation', { name: 'Pages of users' })
    .getByRole('button', { name: 'Next' })
    .click();
  await expect(page.getByRole('link', { name: 'user-060' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'user-050' })).toBeHidden();
});

test('a new reading appears by itself, with both of its times', async ({ page, api }) => {
  await api.createDevice('pump-7');
  await api.sendReading('pump-7', { ...READING, timestamp: '2026-11-23T10:00:00Z' });
  await page.goto('/');
  const row = device(page, 'pump-7');
  await expect(row.locator('time').first()).toHaveAttribute('datetime', /^2026-11-23T10:00:00/);
  await expect(row.locator('time').nth(1)).not.toHaveAttribute('datetime', /^2026-11-23/);
  await api.sendReading('pump-7', { ...READING, timestamp: '2026-11-23T11:00:00Z' });
  await expect(row.locator('time').first()).toHaveAttribute('datetime', /^2026-11-23T11:00:00/);
});

test('a lost server is announced, and the page continues when it is back', async ({
  page,
  api,
  server,
  expected,
}) => {
  await api.createDevice('pump-7');
  await api.sendReading('pump-7', READING);
  await page.goto('/');
  await expect(device(page, 'pump-7')).toBeVisible();
  expected.lost = true;
  await server.stop();
  await expect(
    page.getByRole('alert').filter({ hasText: 'The service does not answer' }).first(),
  ).toBeVisible();
  await expect(device(page, 'pump-7')).toBeVisible();
  await server.start();
  expected.statuses.add(503);
  await expect(page.getByText('The service does not answer')).toHaveCount(0);
  await expect(device(page, 'pump-7')).toBeVisible();
});

test('the fleet is usable on a narrow screen and by keyboard', async ({ page, api }) => {
  await api.createDevice('a-device-with-a-long-name-that-does-not-fit-into-a-line');
  await api.createDevice('pump-7');
  await api.sendReading('pump-7', READING);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto('/');
  await expect(device(page, 'pump-7')).toBeVisible();

  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  const edit = page.getByRole('button', { name: 'Edit pump-7' });
  for (let presses = 0; presses < 60; presses++) {
    if (await edit.evaluate((button) => button === document.activeElement)) break;
    await page.keyboard.press('Tab');
  }
  await expect(edit).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog').getByLabel('Name', { exact: true })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(edit).toBeFocused();
});
