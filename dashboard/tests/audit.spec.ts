/** The audit log: its sentences, conditions, details and pages. */
import { expect, expectAccessible, signIn, test } from './test';

test('changes are told in sentences, the newest first', async ({ page, api }) => {
  await api.createDevice('pump-7');
  await api.send('PUT', '/devices/pump-7', { name: 'Pump in hall 3' });
  await api.send('DELETE', '/devices/pump-7');
  await page.goto('/?page=audit');
  const entries = page.getByRole('main').getByRole('listitem');
  await expect(entries.nth(0)).toContainText('Someone at 127.0.0.1 deleted device pump-7');
  await expect(entries.nth(1)).toContainText('changed the name of device pump-7');
  await expect(entries.nth(2)).toContainText('registered device pump-7');
  await expect(entries.nth(3)).toContainText('The service started, version');

  await entries.nth(1).locator('summary').click();
  await expect(entries.nth(1)).toContainText('Request id');
  await expect(entries.nth(1)).toContainText('update_device');
  await expectAccessible(page);
});

test('conditions are part of the address', async ({ page, api }) => {
  const ada = await api.createUser('ada');
  await api.createDevice('pump-7', { user_id: ada });
  await api.createDevice('pump-8');
  await api.send('DELETE', '/devices/pump-8');
  await page.goto('/?page=audit');
  const entries = page.getByRole('main').getByRole('listitem');
  await expect(entries).toHaveCount(5);
  await page.getByLabel('Action').selectOption('Device registered');
  await expect(entries).toHaveCount(2);
  await page.getByLabel('Device', { exact: true }).fill('pump-8');
  await expect(entries).toHaveCount(1);
  await page.reload();
  await expect(entries).toHaveCount(1);
  await expect(page.getByLabel('Action')).toHaveValue('create_device');
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(entries).toHaveCount(5);
  await page.getByLabel('User', { exact: true }).fill(String(ada));
  await expect(entries).toHaveCount(2);
  await page.getByLabel('User', { exact: true }).fill('999999');
  await expect(page.getByText('No entry meets the conditions')).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();

  await page.getByLabel('Time').selectOption('Between…');
  await page.getByLabel('Until').fill('2001-01-02T00:00');
  // An end before the start is not taken.
  await expect(entries).toHaveCount(5);
  await page.getByLabel('From').fill('2001-01-01T00:00');
  await page.getByLabel('Until').fill('2001-01-02T00:00');
  await expect(page.getByText('No entry meets the conditions')).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('Time').selectOption('Last hour');
  await expect(entries).toHaveCount(5);
});

test('the log is divided into pages', async ({ page, api }) => {
  await api.createDevices(Array.from({ length: 60 }, (_, index) => `pump-${index + 1}`));
  await page.goto('/?page=audit');
  const entries = page.getByRole('main').getByRole('listitem');
  await expect(entries).toHaveCount(50);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect(entries).toHaveCount(11);
  await expect(entries.last()).toContainText('The service started');
  // Other conditions begin with their first page.
  await page.getByLabel('Action').selectOption('Device registered');
  await expect(entries).toHaveCount(50);
});

test.describe('with tokens', () => {
  test.use({ auth: 'token' });

  test('entries name the token, and a token leads to its entries', async ({
    page,
    server,
    api,
    expected,
  }) => {
    await api.createDevice('pump-7');
    await api.send('POST', '/tokens', { for: { device_id: 'pump-7' }, name: 'gateway in hall 3' });
    await signIn(page, server.adminToken!, expected);
    await page.getByRole('link', { name: 'Tokens' }).click();
    const row = page.getByRole('row').filter({ hasText: 'gateway in hall 3' });
    await row.getByRole('link', { name: /^Audit log of token/ }).click();
    const entries = page.getByRole('main').getByRole('listitem');
    await expect(entries).toHaveCount(1);
    await expect(entries).toContainText(
      /Administrator \(token \d+\) created token \d+ \(gateway in hall 3\) of device pump-7/,
    );
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect(entries.first()).toContainText(/Administrator \(token \d+\) signed in/);
    await entries.filter({ hasText: 'gateway' }).locator('summary').click();
    await page.getByRole('link', { name: 'device pump-7' }).click();
    await expect(entries).toHaveCount(2);
    await expect(page.getByLabel('Device', { exact: true })).toHaveValue('pump-7');
  });
});
