import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Address of the service during development: `npm run dev` passes requests on to it. */
const SERVICE = process.env.DEVICE_STATS_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // A policy of the page forbids scripts and styles inside the page, and `data:` addresses of fonts and workers.
    assetsInlineLimit: 0,
    modulePreload: false,
    // One file is compressed better than many: a script for each page would add 22 kB with Brotli.
    cssCodeSplit: false,
    rolldownOptions: { output: { codeSplitting: false } },
  },
  worker: { format: 'es', rolldownOptions: { output: { codeSplitting: false } } },
  server: {
    proxy: { '^/(api|health|docs)(/|$)': { target: SERVICE, changeOrigin: true } },
  },
  test: {
    environment: 'node',
    // Properties are tested with many inputs, also on a busy machine.
    testTimeout: 60_000,
    include: ['src/**/*.test.ts'],
  },
});
