/** The colours of canvases: those of the theme, as the browser computes them. */

/** Returns the colour of a variable of the theme, such as `--axis-x`, at an element. */
export function themeColour(element: HTMLElement, variable: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Calls back whenever the colours of the theme change. Returns the function that ends this. */
export function onThemeChange(callback: () => void): () => void {
  const systemTheme = matchMedia('(prefers-color-scheme: dark)');
  systemTheme.addEventListener('change', callback);
  addEventListener('themechange', callback);
  return () => {
    systemTheme.removeEventListener('change', callback);
    removeEventListener('themechange', callback);
  };
}
