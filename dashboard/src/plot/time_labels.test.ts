import { describe, expect, it } from 'vitest';

import type { Tick } from '../time/tick-labels';
import { timeLabels } from './time_labels';

const DATE = 'Tue, Dec 1, 2026';
const tick = (atUs: number, context: string | null = null): Tick => ({ atUs, label: '10:00', context });
const area = { widthPx: 400, leftPx: 30, rightPx: 10 };
const texts = (ticks: Tick[]) => timeLabels(ticks, (us) => us, area).map(({ text }) => text);

describe('the labels of the time axis', () => {
  it('have the date below the first one', () => {
    expect(texts([tick(100, DATE), tick(200), tick(300)])).toEqual([`10:00\n${DATE}`, '10:00', '10:00']);
  });

  it('have the date below the next one if it would be cut off', () => {
    expect(texts([tick(10, DATE), tick(110), tick(210)])).toEqual(['10:00', `10:00\n${DATE}`, '10:00']);
    expect(texts([tick(10, DATE), tick(110, 'Wed'), tick(210)])).toEqual(['10:00', '10:00\nWed', '10:00']);
  });

  it('are left out if they would be cut off', () => {
    expect(texts([tick(200, DATE), tick(395)])).toEqual([`10:00\n${DATE}`, '']);
    expect(texts([tick(390, DATE)])).toEqual(['10:00']);
  });
});
