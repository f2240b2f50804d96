/** The one store of the view. It is the address: a change of the view changes the address, and the reverse. */
import { fromAddress, toAddress } from './address';
import { START, type View } from './view';

/** Returns the number of entries of the history before an entry, one after the other, that show the same part. */
function stepsOf(state: unknown): number {
  return typeof state === 'object' && state !== null && 'steps' in state ? Number(state.steps) : 0;
}

function isSamePart(a: View, b: View): boolean {
  return a.page === b.page && a.deviceId === b.deviceId && a.userId === b.userId && a.tab === b.tab;
}

class ViewStore {
  #view = $state.raw<View>(fromAddress(location.search));

  constructor() {
    addEventListener('popstate', () => {
      this.#view = fromAddress(location.search);
    });
  }

  get current(): View {
    return this.#view;
  }

  /** Changes parts of the view, as a new entry of the browser's history: the back button undoes it. */
  go(change: Partial<View>): void {
    this.#set({ ...this.#view, ...change }, 'pushState');
  }

  /** Changes parts of the view without a new entry of the history, for example while a person types. */
  replace(change: Partial<View>): void {
    this.#set({ ...this.#view, ...change }, 'replaceState');
  }

  /**
   * Returns to the entry of the history before the present one, if it shows the same part of the page, such as an
   * earlier window of a plot. Returns whether there is one.
   */
  goBack(): boolean {
    const hasEarlier = stepsOf(history.state) > 0;
    if (hasEarlier) history.back();
    return hasEarlier;
  }

  #set(view: View, method: 'pushState' | 'replaceState'): void {
    const address = toAddress(view);
    const steps = isSamePart(view, this.#view)
      ? stepsOf(history.state) + (method === 'pushState' ? 1 : 0)
      : 0;
    this.#view = view;
    if (address !== location.pathname + location.search) history[method]({ steps }, '', address);
  }
}

export const view = new ViewStore();

/** Returns the address of the current view with some parts changed, for a link. Other pages start without a search. */
export function addressOf(change: Partial<View>): string {
  const { zone, range, axes, percentiles } = view.current;
  return toAddress({ ...START, zone, range, axes, percentiles, ...change });
}

/** Follows a link inside the page without loading the page again. A click for a new tab stays with the browser. */
export function follow(event: MouseEvent): void {
  const link = event.currentTarget;
  if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  view.go(fromAddress(link.search));
  scrollTo(0, 0);
}
