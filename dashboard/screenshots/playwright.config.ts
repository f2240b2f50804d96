/**
 * The screenshots of the documentation (`make screenshots`): the page in Chromium, on the real binary with data of a
 * fleet. DEVICE_STATS_BINARY is the path of the binary, and CHROMIUM that of the browser.
 */
import { defineConfig } from '@playwright/test';

import tests from '../playwright.config';
import type { ServerOptions } from '../tests/test';

export default defineConfig<ServerOptions>({
  ...tests,
  testDir: '.',
  testMatch: 'views.ts',
  timeout: 600_000,
  // One server has the data of all pictures.
  workers: 1,
  fullyParallel: false,
  use: { ...tests.use, store: 'sqlite', screenshot: 'off' },
  projects: [{ name: 'screenshots' }],
});
