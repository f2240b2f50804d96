/**
 * The page, left open while readings arrive (`make dashboard-soak`). DEVICE_STATS_BINARY is the path of the binary,
 * CHROMIUM that of the browser, and MINUTES the length.
 */
import { defineConfig } from '@playwright/test';

import tests from '../playwright.config';
import type { ServerOptions } from '../tests/test';

export default defineConfig<ServerOptions>({
  ...tests,
  testDir: '.',
  testMatch: 'open-page.ts',
  timeout: 0,
  workers: 1,
  projects: [{ name: 'soak', use: { store: 'sqlite' } }],
});
