import { describe, expect, it } from 'vitest';

import { parseRfc3339, toShortRfc3339 } from '../time/moment';
import { rangeToQuery, type Range } from '../time/range';
import { pairs } from './second-window';

function at(text: string): number {
  return parseRfc3339(text) ?? Number.NaN;
}

const here = { nowUs: at('2026-10-28T12:00:00Z'), zone: 'Europe/Berlin', locale: 'de-DE' };
const window = { fromUs: at('2026-10-27T09:00:00Z'), untilUs: at('2026-10-27T11:00:00Z') };
const range: Range = { kind: 'between', ...window };

function show(found: Range): string {
  return found.kind === 'between'
    ? `${toShortRfc3339(found.fromUs)} ${toShortRfc3339(found.untilUs)}`
    : (rangeToQuery(found).during ?? found.kind);
}

describe('pairs of windows', () => {
  const found = new Map(pairs(range, window, here).map((pair) => [pair.text, pair]));
  const compared = (text: string): string[] => {
    const pair = found.get(text);
    return pair ? [show(pair.range), show(pair.compareWith)] : [];
  };

  it('are the present and the last unit of the calendar', () => {
    expect(compared('This week and last week')).toEqual(['this-week', 'last-week']);
    expect(compared('Today and yesterday')).toEqual(['today', 'yesterday']);
  });

  it('compare the shown window with the one before', () => {
    expect(compared('This window and the one before')[1]).toBe('2026-10-27T07:00:00Z 2026-10-27T09:00:00Z');
  });

  it('compare the same time on the clock a week earlier', () => {
    // Summer time ended in between.
    expect(compared('This window and a week earlier')[1]).toBe('2026-10-20T08:00:00Z 2026-10-20T10:00:00Z');
  });

  it('are those of the calendar while the window is unknown', () => {
    expect(pairs({ kind: 'all' }, null, here)).toHaveLength(3);
  });
});
