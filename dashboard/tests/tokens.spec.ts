/** The access tokens: creating, showing once, and revoking. */
import { Api } from './api';
import { copiedText, expect, expectAccessible, signIn, test } from './test';

test.use({ auth: 'token' });

test('a token is created, shown once, works, and is revoked', async ({ page, server, api, expected }) => {
  await api.createDevice('pump-7');
  await signIn(page, server.adminToken!, expected);
  await page.getByRole('link', { name: 'Tokens' }).click();
  await page.getByRole('button', { name: 'Create a token' }).click();
  const form = page.getByRole('dialog', { name: 'Create a token' });
  await form.getByLabel('Device id').fill('pump-7');
  await expect(form.getByLabel('send readings')).toBeChecked();
  await expect(form.getByLabel('see users, devices')).not.toBeChecked();
  // A device can have no other scope.
  await expect(form.getByRole('checkbox')).toHaveCount(2);
  await form.getByLabel('Name').fill('gateway in hall 3');
  await form.getByLabel('Expires').selectOption('in 30 days');
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Create' }).click();

  const shown = page.getByRole('dialog', { name: 'The new token' });
  await expect(shown).toContainText('shown only once');
  await expectAccessible(page);
  await shown.getByRole('button', { name: 'Copy the token' }).click();
  const token = await copiedText(page);
  expect(token).toMatch(/^dss_d_/);
  await shown.getByRole('button', { name: 'I have copied it' }).click();
  await expect(page.locator('body')).not.toContainText(token);
  const gateway = new Api(server, token);
  await gateway.sendReading('pump-7', { x: 1, y: 2, z: 3 });

  const row = page.getByRole('row').filter({ hasText: 'gateway in hall 3' });
  await expect(row).toContainText('Device pump-7');
  await expect(row).toContainText('ingest');
  await expect(row).toContainText(/in (29|30) d/);
  await row.getByRole('button', { name: 'Revoke' }).click();
  const confirm = page.getByRole('dialog', { name: /^Revoke token/ });
  await expect(confirm).toContainText('of device pump-7');
  await expectAccessible(page);
  await confirm.getByRole('button', { name: 'Cancel' }).click();
  await expect(row).toHaveCount(1);
  await row.getByRole('button', { name: 'Revoke' }).click();
  await confirm.getByRole('button', { name: 'Revoke the token' }).click();
  await expect(row).toHaveCount(0);
  const reading = { x: 1, y: 2, z: 3 };
  await expect
    .poll(async () => (await gateway.fetch('POST', '/stats/devices/pump-7', reading)).status)
    .toBe(401);
});

test('a token expires at a time of the zone of the viewer', async ({ page, server, api, expected }) => {
  const ada = await api.createUser('ada');
  await signIn(page, server.adminToken!, expected);
  await page.getByRole('link', { name: 'Tokens' }).click();
  await page.getByRole('button', { name: 'Create a token' }).click();
  const form = page.getByRole('dialog', { name: 'Create a token' });
  await form.getByLabel('A user').check();
  await form.getByLabel('User', { exact: true }).fill('ada');
  await form.getByRole('button', { name: 'ada ada@example.com' }).click();
  await form.getByLabel('manage tokens').uncheck();
  await form.getByLabel('Expires').selectOption('at a chosen time');
  await expect(form.getByRole('button', { name: 'Create' })).toBeDisabled();
  await form.getByLabel('Time in Europe/Berlin').fill('2001-07-01T12:00');
  await expect(form.getByRole('alert')).toContainText('This time has passed');
  await form.getByLabel('Time in Europe/Berlin').fill('2199-07-01T12:00');
  await form.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByRole('dialog', { name: 'The new token' })).toBeVisible();
  const tokens = await api.send<object[]>('GET', '/tokens');
  expect(tokens.at(-1)).toMatchObject({
    for: { user_id: ada },
    scopes: ['ingest', 'read'],
    expires_at: expect.stringMatching(/^2199-07-01T10:00:00/),
  });
});

test('a missing device is named beside its field', async ({ page, server, expected }) => {
  await signIn(page, server.adminToken!, expected);
  await page.getByRole('link', { name: 'Tokens' }).click();
  await page.getByRole('button', { name: 'Create a token' }).click();
  await page.getByLabel('Device id').fill('missing');
  expected.statuses.add(404);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await expect(page.getByRole('alert')).toHaveText('There is no such device.');
});

test('a user gives only its own rights, to itself and its devices', async ({
  page,
  server,
  api,
  expected,
}) => {
  const ada = await api.createUser('ada');
  await api.createDevice('pump-7', { user_id: ada });
  await signIn(
    page,
    server.createToken('--user', 'ada', '--scope', 'read,manage', '--name', 'laptop'),
    expected,
  );
  await page.getByRole('link', { name: 'Tokens' }).click();
  await expect(page.getByRole('row').filter({ hasText: 'laptop' })).toContainText('this session');
  // The token of the administrator is not visible.
  await expect(page.getByRole('row')).toHaveCount(2);
  await expect(page.getByRole('link', { name: /^Audit/ })).toHaveCount(0);
  await page.getByRole('button', { name: 'Create a token' }).click();
  const form = page.getByRole('dialog', { name: 'Create a token' });
  await expect(form.getByRole('radio')).toHaveCount(2);
  await form.getByLabel('Myself').check();
  await expect(form.getByRole('checkbox')).toHaveCount(2);
  await expect(form.getByLabel('send readings')).toHaveCount(0);
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await expect(page.getByRole('row')).toHaveCount(3);
});

test('revoking the own token ends the session', async ({ page, server, expected }) => {
  const own = server.createToken('--admin', '--name', 'mine');
  await signIn(page, own, expected);
  await page.getByRole('link', { name: 'Tokens' }).click();
  expected.statuses.add(401);
  await page.getByRole('row').filter({ hasText: 'mine' }).getByRole('button', { name: 'Revoke' }).click();
  const confirm = page.getByRole('dialog', { name: /^Revoke token/ });
  await expect(confirm).toContainText('You have signed in with this token');
  await confirm.getByRole('button', { name: 'Revoke the token' }).click();
  await expect(page.getByText('Your session has ended')).toBeVisible();
});

test('the list of tokens is divided into pages', async ({ page, server, api, expected }) => {
  const devices = Array.from({ length: 60 }, (_, index) => `pump-${index + 1}`);
  await api.createDevices(devices);
  for (const device_id of devices) await api.send('POST', '/tokens', { for: { device_id } });
  await signIn(page, server.adminToken!, expected);
  await page.getByRole('link', { name: 'Tokens' }).click();
  await expect(page.getByRole('row')).toHaveCount(51);
  await page.getByRole('button', { name: 'Next' }).click();
  await expect(page.getByRole('row')).toHaveCount(12);
  await expect(page.getByRole('row').last()).toContainText('pump-60');
});
