/** Writes a picture of each view, light and dark, wide and narrow, into docs/images. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test, type Browser, type Page } from '@playwright/test';

import { Api } from '../tests/api';
import { Server } from '../tests/server';
import { importFile, sendNow, storeFleet } from './data';

const IMAGES = new URL('../../docs/images/', import.meta.url).pathname;
const DAYS = 3;
/** Time in which the fleet is observed, so that it has rates and silent devices. */
const OBSERVED_S = 180;

/** Quality of the pictures, in percent. */
const QUALITY = 80;
const DAY_MS = 86_400_000;

const SIZES = {
  wide: { width: 1440, height: 960 },
  narrow: { width: 390, height: 844 },
} as const;
const SCHEMES = ['light', 'dark'] as const;

interface View {
  name: string;
  address: string;
  /** Brings the page into the state of the picture. */
  prepare: (page: Page) => Promise<void>;
}

/** Opens the page in each size and in each scheme, and writes pictures. */
async function take(browser: Browser, url: string, views: readonly View[], token?: string): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const context = await browser.newContext({
      baseURL: url,
      viewport,
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    if (token) {
      await page.goto('/');
      await page.getByLabel('Access token').fill(token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
    }
    for (const { name, address, prepare } of views) {
      await page.goto(address);
      await prepare(page);
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        // The plots are drawn again in the colours of the scheme.
        await page.waitForTimeout(500);
        await write(page, `${name}-${size}-${colorScheme}`);
      }
    }
    await context.close();
  }
}

/** Writes the visible part of the page. WebP needs a quarter of the space of PNG; Playwright itself does not offer it. */
async function write(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
  await session.detach();
  mkdirSync(IMAGES, { recursive: true });
  writeFileSync(join(IMAGES, `${name}.webp`), Buffer.from(data, 'base64'));
}

const settle = async (page: Page) => {
  await expect(page.locator('.loading')).toHaveCount(0);
  await page.waitForLoadState('load');
  await page.waitForTimeout(1_500);
};

test('an open service', async ({ browser }) => {
  const server = new Server('sqlite', 'open');
  await server.start();
  let sending: NodeJS.Timeout | undefined;
  try {
    const api = new Api(server, null);
    await take(browser, server.url, [{ name: 'first-run', address: '/', prepare: settle }]);

    const shownUser = await storeFleet(api, DAYS);
    await api.send('POST', '/demo');
    let second = 0;
    sending = setInterval(() => void sendNow(api, (second += 1)).catch(() => {}), 1_000);
    await new Promise((done) => setTimeout(done, OBSERVED_S * 1_000));

    const path = test.info().outputPath('flow.csv');
    writeFileSync(path, importFile());
    await take(browser, server.url, [
      { name: 'fleet', address: '/', prepare: settle },
      { name: 'device', address: '/?device=demo-pump&last=24h', prepare: settle },
      { name: 'live', address: '/?device=demo-pump&last=5m', prepare: settle },
      { name: 'path', address: '/?device=demo-drone&last=1h&tab=path', prepare: settle },
      {
        name: 'correct',
        address: '/?device=rp-inlet&last=6h&axes=x',
        prepare: async (page) => {
          await page.getByRole('button', { name: 'Select', exact: true }).click();
          await settle(page);
        },
      },
      {
        name: 'statistics',
        address: '/?device=demo-pump&last=24h&axes=x,y',
        prepare: async (page) => {
          await settle(page);
          const histogram = page.getByRole('group', { name: 'Histogram of x' });
          await histogram.scrollIntoViewIfNeeded();
          const box = (await histogram.boundingBox())!;
          await page.mouse.move(box.x + 0.42 * box.width, box.y + box.height / 2);
          await page.mouse.down();
          await page.mouse.move(box.x + 0.98 * box.width, box.y + box.height / 2, { steps: 5 });
          await page.mouse.up();
          await settle(page);
        },
      },
      { name: 'user', address: `/?user=${shownUser}&last=24h`, prepare: settle },
      {
        name: 'each-device',
        address: `/?user=${shownUser}&last=24h`,
        prepare: async (page) => {
          await settle(page);
          await page
            .getByRole('heading', { name: 'Each device', exact: true })
            .evaluate((heading) => heading.scrollIntoView());
          await settle(page);
        },
      },
      {
        name: 'import',
        address: '/?page=import',
        prepare: async (page) => {
          await page.getByLabel('Choose a file').setInputFiles(path);
          await expect(page.getByRole('button', { name: 'Start the import' })).toBeEnabled();
          await settle(page);
        },
      },
      { name: 'service', address: '/?page=service', prepare: settle },
    ]);
  } finally {
    clearInterval(sending);
    await server.remove();
  }
});

test('a service that needs tokens', async ({ browser }) => {
  const server = new Server('sqlite', 'token');
  await server.start();
  try {
    const token = server.adminToken!;
    const api = new Api(server, token);
    await take(browser, server.url, [{ name: 'sign-in', address: '/', prepare: settle }]);
    const userId = await storeFleet(api, 0);
    for (const token of [
      { name: 'Gateway of the plant', for: { user_id: userId }, scopes: ['ingest'] },
      {
        name: 'Weekly report',
        for: { user_id: userId },
        scopes: ['read'],
        expires_at: new Date(Date.now() + 90 * DAY_MS).toISOString(),
      },
      { name: 'Flow meter at the inlet', for: { device_id: 'rp-inlet' } },
      { name: 'Control room', for: 'admin' },
    ]) {
      await api.send('POST', '/tokens', token);
    }
    await take(
      browser,
      server.url,
      [
        { name: 'tokens', address: '/?page=tokens', prepare: settle },
        { name: 'audit', address: '/?page=audit', prepare: settle },
      ],
      token,
    );
  } finally {
    await server.remove();
  }
});
