/**
 * The end-to-end tests: the page in Chromium, on the real binary.
 *
 * DEVICE_STATS_BINARY is the path of the binary. DEVICE_STATS_POSTGRES is the address of a PostgreSQL server in which
 * the tests may create databases: those with the tag `@stores` run over it, too. CHROMIUM is the path of the browser.
 */
import { defineConfig } from '@playwright/test';

import type { ServerOptions } from './tests/test';

const hasPostgres = Boolean(process.env.DEVICE_STATS_POSTGRES);

export default defineConfig<ServerOptions>({
  testDir: 'tests',
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: Boolean(process.env.CI),
  fullyParallel: true,
  // Tests wait for the page most of the time, so three of them fit on two cores.
  workers: 3,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox'],
    },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-write'],
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'sqlite', use: { store: 'sqlite' } },
    ...(hasPostgres ? [{ name: 'postgresql', grep: /@stores/, use: { store: 'postgresql' as const } }] : []),
  ],
});
