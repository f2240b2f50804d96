/** Light or dark: as the system, or as the viewer chose for this browser. */

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'theme';

class ThemeStore {
  choice = $state<Theme>(stored());

  constructor() {
    this.#apply();
  }

  choose(theme: Theme): void {
    this.choice = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Browsers that store nothing forget the choice.
    }
    this.#apply();
  }

  #apply(): void {
    if (this.choice === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.choice;
    // Canvases read the colours of the theme when they draw.
    dispatchEvent(new Event('themechange'));
  }
}

function stored(): Theme {
  try {
    const text = localStorage.getItem(KEY);
    return text === 'light' || text === 'dark' ? text : 'system';
  } catch {
    return 'system';
  }
}

export const theme = new ThemeStore();
