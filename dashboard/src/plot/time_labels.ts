/** The labels of the time axis that fit into the picture. */
import type { Tick } from '../time/tick-labels';

/** Width of a character of the axis, in pixels, estimated. */
const CHARACTER_PX = 7;

export interface TimeLabel {
  atUs: number;
  /** One or two lines; empty for a tick without a label. */
  text: string;
}

/**
 * Returns the labels of ticks. Labels are centred at their tick, up to `leftPx` and `rightPx` beyond the axis: a label
 * that would be cut off is left out, and the date below it moves to the next label where it fits.
 */
export function timeLabels(
  ticks: readonly Tick[],
  toPx: (atUs: number) => number,
  { widthPx, leftPx, rightPx }: { widthPx: number; leftPx: number; rightPx: number },
): TimeLabel[] {
  let waiting: string | null = null;
  return ticks.map(({ atUs, label, context }) => {
    const px = toPx(atUs);
    const fits = (text: string) => {
      const half = (text.length * CHARACTER_PX) / 2;
      return px - half >= -leftPx && px + half <= widthPx + rightPx;
    };
    const second: string | null = context ?? waiting;
    waiting = second;
    if (!fits(label)) return { atUs, text: '' };
    if (second === null || !fits(second)) return { atUs, text: label };
    waiting = null;
    return { atUs, text: `${label}\n${second}` };
  });
}
