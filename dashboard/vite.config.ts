import { fileURLToPath } from 'node:url';

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Address of the service during development: `npm run dev` passes requests on to it. */
const SERVICE = process.env.DEVICE_STATS_URL ?? 'http://127.0.0.1:8000';

interface Modules {
  getModuleInfo: (id: string) => { importedIds: readonly string[] } | null;
}

const first = new Set<string>();

/** Returns whether a module is needed by the first view: `index.html` imports it, but not by `import()`. */
function isFirst(id: string, modules: Modules): boolean {
  const waiting = first.size > 0 ? [] : [fileURLToPath(new URL('index.html', import.meta.url))];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (first.has(next)) continue;
    first.add(next);
    waiting.push(...(modules.getModuleInfo(next)?.importedIds ?? []));
  }
  return first.has(id);
}

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // A policy of the page forbids scripts and styles inside the page, and `data:` addresses of fonts and workers.
    assetsInlineLimit: 0,
    modulePreload: false,
    // A few large files are compressed better than many small ones: all styles are one file, each worker is one, and
    // the page has two scripts. One script instead of two would be 4 kB smaller with Brotli, but the first view would
    // load three times as much; a script for each `import()` adds 18 kB.
    cssCodeSplit: false,
    rolldownOptions: {
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            {
              name: (id, modules) => (isFirst(id, modules) ? 'first' : 'rest'),
              debugName: 'first or rest',
            },
          ],
        },
      },
    },
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
