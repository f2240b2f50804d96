/** Whether the page is dark, for colours that are not in the theme. */
import { theme } from '../shared/theme.svelte';

const system = matchMedia('(prefers-color-scheme: dark)');

class Dark {
  #isSystemDark = $state(system.matches);

  constructor() {
    system.addEventListener('change', ({ matches }) => (this.#isSystemDark = matches));
  }

  get current(): boolean {
    return theme.choice === 'system' ? this.#isSystemDark : theme.choice === 'dark';
  }
}

export const dark = new Dark();
