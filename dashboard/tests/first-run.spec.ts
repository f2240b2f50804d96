/** The first run: the steps to the first readings, and the demonstration. */
import { execFileSync } from 'node:child_process';

import { copiedText, expect, expectAccessible, signIn, test } from './test';

test('the commands of the page register, send and analyze', async ({ page, server }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'No readings yet' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name: 'Documentation' })).toHaveAttribute(
    'href',
    '/docs',
  );
  await expectAccessible(page);

  const step = (text: string) => page.getByRole('listitem').filter({ hasText: text });
  const run = async (text: string) => {
    await step(text).getByRole('button', { name: 'Copy' }).click();
    await expect(step(text)).toContainText('Copied');
    const command = await copiedText(page);
    expect(command).toContain(server.url);
    return execFileSync('sh', ['-c', `${command} --fail --silent --show-error`], { encoding: 'utf8' });
  };
  await run('Register a user');
  await expect(step('Register a user')).toContainText('✓ ada');
  await run('Register a device of ada');
  await expect(step('Register a device')).toContainText('✓ pump-7');
  const commands = page.locator('pre');
  await expect(commands).toHaveCount(2);
  const analysis = `${await commands.last().textContent()} --fail --silent`;
  await run('Send a reading');
  // The page shows the fleet as soon as there is a reading.
  await expect(page.getByRole('table', { name: 'Devices' })).toContainText('pump-7');
  await expect(page.getByRole('heading', { name: 'No readings yet' })).toBeHidden();
  expect(JSON.parse(execFileSync('sh', ['-c', analysis], { encoding: 'utf8' }))).toMatchObject({
    x: { count: 1, median: 1.5 },
  });
});

test('the demonstration runs until it is stopped, and is deleted', async ({ page, api }) => {
  await page.goto('/');
  await page.getByRole('button', { name: 'Start the demonstration' }).click();
  const note = page.getByRole('complementary', { name: 'Demonstration' });
  await expect(note).toContainText('A demonstration is running');
  // The page still offered to start it, until the next renewal of the fleet showed its devices.
  expect(await page.getByRole('button', { name: 'Start the demonstration' }).count()).toBe(0);
  const table = page.getByRole('table', { name: 'Devices' });
  for (const device of ['demo-pump', 'demo-drone', 'demo-weather']) {
    await expect(table).toContainText(device);
    await expect(note.getByRole('link', { name: device })).toHaveAttribute(
      'href',
      new RegExp(`device=${device}`),
    );
  }
  await expectAccessible(page);
  // Of all devices together: each of them is still at times, as the drone is while its battery is replaced.
  const latest = async () => {
    const ids = ['demo-pump', 'demo-drone', 'demo-weather'];
    const readings = ids.map((id) => api.send<{ timestamp: string }>('GET', `/stats/devices/${id}/latest`));
    return (await Promise.all(readings)).map((reading) => reading.timestamp);
  };
  const before = await latest();
  await expect.poll(latest).not.toEqual(before);

  await note.getByRole('button', { name: 'Stop the demonstration' }).click();
  await expect(note).toContainText('The demonstration is stopped');
  const notice = page.getByRole('status').getByText('The demonstration is stopped');
  await expect(notice).toBeVisible();
  // A click reaches what lies under a notice.
  const { x, y } = (await notice.boundingBox())!;
  const isHit = await page.evaluate(
    ([x, y]) => document.elementFromPoint(x, y)!.closest('.notices') !== null,
    [x + 5, y + 5] as const,
  );
  expect(isHit).toBe(false);
  await expectAccessible(page);
  await note.getByRole('button', { name: 'Delete the demonstration' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete the user demo?' });
  await expect(dialog).toContainText('3 devices');
  await dialog.getByRole('button', { name: 'Delete the user' }).click();
  await expect(page.getByRole('heading', { name: 'No readings yet' })).toBeVisible();
  await expect(note).toBeHidden();
});

test.describe('with tokens', () => {
  test.use({ auth: 'token' });

  test('the commands send the token', async ({ page, server, expected }) => {
    await signIn(page, server.adminToken!, expected);
    await expect(page.getByText('read -rs TOKEN')).toBeVisible();
    await expect(page.locator('pre').filter({ hasText: 'Authorization: Bearer $TOKEN' })).toHaveCount(4);
    await expect(page.locator('main')).not.toContainText(server.adminToken!);
  });

  test('a user is shown only the steps that it may do', async ({ page, server, api, expected }) => {
    await api.createUser('ada');
    const token = server.createToken('--user', 'ada', '--scope', 'read');
    await signIn(page, token, expected);
    await expect(page.getByText('Your token does not allow you to send readings')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Start the demonstration' })).toBeHidden();
    await expect(page.getByRole('button', { name: 'Register a device' })).toBeHidden();
  });
});
