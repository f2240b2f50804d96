/**
 * The test with its fixtures: a server, its API, and a page that fails the test on an error in the console, an error of
 * a script, a violation of the Content-Security-Policy, an answer that is not a success, too many requests, a finding of
 * axe-core, or a page that does not fit on a narrow screen.
 */
import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

import { Api } from './api';
import { Server, type Auth, type Store } from './server';

export { expect };

/** Number of requests that a page may send per second, beside those at once. More are a loop. */
const REQUESTS_PER_SECOND_MAX = 3;

export interface ServerOptions {
  store: Store;
  auth: Auth;
}

/** Answers that a test expects, although they are not a success. */
export class Expected {
  readonly statuses = new Set<number>();
  /** Whether requests may get no answer, because the test stops the server. */
  lost = false;
  /** Number of requests that the page may send at once. A long test needs more. */
  requestsMax = 60;
}

interface Fixtures {
  server: Server;
  /** The API with all rights. */
  api: Api;
  expected: Expected;
}

export const test = base.extend<Fixtures & ServerOptions>({
  store: ['sqlite', { option: true }],
  auth: ['open', { option: true }],

  server: async ({ store, auth }, use) => {
    const server = new Server(store, auth);
    await server.start();
    await use(server);
    await server.remove();
  },

  api: async ({ server }, use) => {
    await use(new Api(server, server.adminToken));
  },

  expected: async ({}, use) => {
    await use(new Expected());
  },

  baseURL: async ({ server }, use) => {
    await use(server.url);
  },

  page: async ({ page, expected }, use) => {
    const startedAt = Date.now();
    let requests = 0;
    page.on('request', () => (requests += 1));
    const problems = watch(page, expected);
    await page.addInitScript(() => {
      // The policy of the page forbids reading the clipboard, so the copied text is noted when it is written.
      const clipboard = navigator.clipboard;
      const write = clipboard.writeText.bind(clipboard);
      clipboard.writeText = (text) => {
        document.documentElement.dataset.copied = text;
        return write(text);
      };
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`The policy forbids ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await use(page);
    expect(problems).toEqual([]);
    const seconds = (Date.now() - startedAt) / 1_000;
    expect(requests).toBeLessThan(expected.requestsMax + REQUESTS_PER_SECOND_MAX * seconds);
    if (page.url() === 'about:blank') return;
    await expectAccessible(page);
    await expectFitsNarrow(page);
  },
});

/** The test with one open server for all tests of a worker: each test has devices of its own. */
export const sharedTest = test.extend<object, { shared: Server }>({
  shared: [
    async ({}, use, { project }) => {
      const server = new Server((project.use as Partial<ServerOptions>).store ?? 'sqlite', 'open');
      await server.start();
      await use(server);
      await server.remove();
    },
    { scope: 'worker' },
  ],
  server: async ({ shared }, use) => {
    await use(shared);
  },
});

/** Returns the text that the page has copied to the clipboard last. */
export async function copiedText(page: Page): Promise<string> {
  return (await page.locator('html').getAttribute('data-copied')) ?? '';
}

/** Collects everything that a page must not do. */
function watch(page: Page, expected: Expected): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error of a script: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    // Chromium reports answers with 4xx and 5xx in the console, too. They are counted below.
    const isAnswer = message.text().startsWith('Failed to load resource: the server responded');
    const isLost = expected.lost && message.text().startsWith('Failed to load resource: net::');
    if (['error', 'warning'].includes(message.type()) && !isAnswer && !isLost) {
      problems.push(`${message.type()} in the console: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !expected.statuses.has(response.status())) {
      problems.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    }
  });
  return problems;
}

/** Fails if axe-core finds something, light or dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const axe = new AxeBuilder({ page });
    // Only contrast depends on the scheme. All rules take a second.
    if (colorScheme === 'dark') axe.withRules(['color-contrast']);
    const { violations } = await axe.analyze();
    const findings = violations.flatMap(({ id, help, nodes }) =>
      nodes.map((node) => `${colorScheme}: ${id} (${help}): ${node.html} ${node.failureSummary ?? ''}`),
    );
    expect(findings).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/** Fails if the page is wider than a small screen. */
export async function expectFitsNarrow(page: Page): Promise<void> {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth))
    .toBeLessThanOrEqual(0);
  if (size) await page.setViewportSize(size);
}

/** Opens the page and signs in with a token. */
export async function signIn(page: Page, token: string, expected: Expected): Promise<void> {
  // The page asks for its rights before it knows that it needs a token.
  expected.statuses.add(401);
  await page.goto('/');
  await page.getByLabel('Access token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
  expected.statuses.delete(401);
}
