import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // The default has 13 characters, in each element of each template.
    cssHash: ({ hash, filename }) => `c${hash(filename).slice(0, 4)}`,
  },
};
