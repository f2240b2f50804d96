/** Signing in and out, and a session that ends. */
import { Api } from './api';
import { expect, expectAccessible, signIn, test } from './test';

test('an open service needs no sign-in', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'No readings yet' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeHidden();
  await expect(page.getByRole('navigation', { name: 'Pages' })).not.toContainText('Tokens');
});

test.describe('with tokens', () => {
  test.use({ auth: 'token' });

  test('a person signs in and out with a token that the page does not keep', async ({
    page,
    server,
    expected,
  }) => {
    expected.statuses.add(401);
    await page.goto('/?page=tokens');
    const field = page.getByLabel('Access token');
    await expect(field).toHaveAttribute('type', 'password');
    await expect(field).toHaveAttribute('autocomplete', 'off');
    await expectAccessible(page);
    await field.fill(`Bearer ${server.adminToken}\n`);
    await field.press('Enter');
    // The address is still the one that was opened.
    await expect(page.getByRole('heading', { name: 'Access tokens' })).toBeVisible();
    await expect(page.getByText('Administrator').first()).toBeVisible();
    const stored = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, document.body.innerHTML]),
    );
    expect(stored).not.toContain(server.adminToken!);
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Access tokens' })).toBeVisible();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(field).toBeVisible();
    await expect(page.getByText('Your session has ended')).toBeHidden();
    await page.reload();
    await expect(field).toBeVisible();
  });

  test('a wrong token is explained', async ({ page, server, expected }) => {
    expected.statuses.add(401);
    await page.goto('/');
    const field = page.getByLabel('Access token');
    await field.fill('my password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('This is not an access token');
    await field.fill(server.adminToken!.replace(/.{4}$/, '0000'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('does not accept this token');
    await expect(page.getByText('device-stats token create --admin')).toBeVisible();
    await expectAccessible(page);
  });

  test('a connection without encryption is explained', async ({ page, server, expected }) => {
    expected.statuses.add(401).add(403);
    // The server refuses sign-ins without TLS from other machines; the answer of the server is replaced here.
    await page.route('**/api/v1/session', (route) =>
      route.fulfill({ status: 403, json: { detail: 'Not encrypted', code: 'insecure_connection' } }),
    );
    await page.goto('/');
    await page.getByLabel('Access token').fill(server.adminToken!);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('not encrypted');
    await expect(page.getByRole('alert')).toContainText(`http://localhost:${new URL(server.url).port}`);
  });

  test('a revoked token ends the session, and the page says so', async ({ page, server, api, expected }) => {
    await api.createUser('ada');
    const token = server.createToken('--user', 'ada');
    await signIn(page, token, expected);
    await expect(page.getByText('User', { exact: false }).first()).toBeVisible();
    const tokens = await api.send<{ id: number; for: unknown }[]>('GET', '/tokens');
    const users = tokens.find((one) => one.for !== 'admin')!;
    expected.statuses.add(401);
    await api.send('DELETE', `/tokens/${users.id}`);
    await expect(page.getByText('Your session has ended')).toBeVisible();
    await expectAccessible(page);
  });

  test('only the parts of the caller are offered', async ({ page, server, api, expected }) => {
    const ada = await api.createUser('ada');
    await api.createDevice('pump-7', { user_id: ada });
    await api.createDevice('of-another');
    await api.sendReading('pump-7', { x: 1, y: 2, z: 3 });
    await signIn(page, server.createToken('--user', 'ada'), expected);
    const parts = page.getByRole('navigation', { name: 'Pages' });
    await expect(parts).toContainText('Tokens');
    await expect(parts).not.toContainText('Audit');
    await expect(parts).not.toContainText('Service');
    await expect(page.getByText('pump-7').first()).toBeVisible();
    await expect(page.getByText('of-another')).toHaveCount(0);
    await expect(page.getByRole('button', { name: 'Register a user' })).toBeHidden();
    await expect(page.getByRole('button', { name: 'Users', exact: true })).toBeHidden();
    // A typed address leads to a refusal in words.
    await page.goto('/?page=audit');
    await expect(page.getByText('may read the audit log')).toBeVisible();
    await page.goto('/?page=service');
    await expect(page.getByText('may see the health')).toBeVisible();
    await page.goto('/?page=tokens');
    await expect(page.getByRole('heading', { name: 'Access tokens' })).toBeVisible();
    const own = new Api(server, server.createToken('--user', 'ada', '--scope', 'read'));
    expect((await own.fetch('GET', '/tokens')).status).toBe(403);
  });
});
