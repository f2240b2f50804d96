/** The health of the service. */
import { expect, expectAccessible, test } from './test';

test('the numbers of the service are shown, judged and renewed', async ({ page, api }) => {
  await api.createDevice('pump-7');
  await api.sendReading('pump-7', { x: 1, y: 2, z: 3, timestamp: '2026-11-23T10:00:00Z' });
  const startedAt = Date.now();
  let requests = 0;
  page.on('request', (request) => (requests += Number(request.url().endsWith('/service'))));
  await page.goto('/?page=service');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The service works normally.');
  const readings = page.getByRole('region', { name: 'Readings since the start' });
  await expect(readings).toContainText(/Stored\s*1/);
  const { version } = await api.send<{ version: string }>('GET', '/version');
  await expect(page.getByText(version, { exact: true })).toBeVisible();
  // The curves grow with each answer.
  const curve = page.getByRole('list', { name: 'Curves' }).locator('path').first();
  const before = await curve.getAttribute('d');
  await expect.poll(() => curve.getAttribute('d')).not.toBe(before);
  await expectAccessible(page);

  await api.sendReading('pump-7', { x: 1, y: 2, z: 3, timestamp: '2026-11-23T10:00:01Z' });
  await expect(readings).toContainText(/Stored\s*2/);
  // The same time with other values.
  await api.sendReading('pump-7', { x: 9, y: 2, z: 3, timestamp: '2026-11-23T10:00:01Z' });
  await expect(page.getByRole('heading', { level: 1 })).toContainText('something is unusual');
  await expect(page.getByText('1 reading arrived in the last minutes')).toBeVisible();
  expect(requests).toBeLessThanOrEqual((Date.now() - startedAt) / 2_000 + 2);
});

test('the page waits for a lost server and continues', async ({ page, server, expected }) => {
  await page.goto('/?page=service');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  expected.lost = true;
  await server.stop();
  await expect(page.getByRole('alert').filter({ hasText: 'does not answer' }).first()).toBeVisible();
  expected.statuses.add(503);
  await server.start();
  await expect(page.getByText('The service does not answer')).toHaveCount(0);
  await expect(page.getByText('Running for')).toBeVisible();
});
