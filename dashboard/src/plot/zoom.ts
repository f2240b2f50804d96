/** Zooming as a change of the view: the windows are entries of the browser's history, so that "back" returns to them. */
import { view } from '../view/store.svelte';
import { zoomed, type Window } from './window';

/** Without an earlier window, "back" shows a window that is this many times as long. */
const WIDER = 4;

/** Shows a window. If it continues the step before it, both are one entry of the history. */
export function showWindow({ fromUs, untilUs }: Window, isContinued: boolean): void {
  const range = { kind: 'between' as const, fromUs, untilUs };
  if (isContinued) view.replace({ range });
  else view.go({ range });
}

/** Returns to the window that was shown before `window`. */
export function showEarlierWindow(window: Window): void {
  if (view.goBack()) return;
  const { fromUs, untilUs } = zoomed(window, WIDER);
  view.replace({ range: { kind: 'between', fromUs, untilUs } });
}
