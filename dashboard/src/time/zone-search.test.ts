import { describe, expect, it } from 'vitest';

import { parseRfc3339 } from './moment';
import { viewerZone, zoneNames } from './zone';
import { findZones, ZONES_MAX } from './zone-search';

const now = parseRfc3339('2026-11-26T12:00:00Z') ?? Number.NaN;

function names(text: string): string[] {
  return findZones(text, now).map((zone) => zone.name);
}

describe('the search of zones', () => {
  it('finds every zone by its name', () => {
    for (const name of zoneNames()) expect(names(name)).toContain(name);
  });

  it('finds places and words in any order', () => {
    expect(names('berlin')).toEqual(['Europe/Berlin']);
    expect(names('new york')).toEqual(['America/New_York']);
    expect(names('York america')).toEqual(['America/New_York']);
    expect(names('utc')).toEqual(['UTC']);
    expect(names('atlantis')).toEqual([]);
  });

  it('finds zones by their distance from UTC', () => {
    expect(names('gmt+8:45')).toEqual(['Australia/Eucla']);
    expect(names('UTC+8:45')).toEqual(['Australia/Eucla']);
    expect(findZones('kathmandu', now)).toEqual([{ name: 'Asia/Kathmandu', offset: 'GMT+5:45' }]);
  });

  it('begins with the zone of the viewer and UTC', () => {
    const [first, second] = names('');
    expect(new Set([first, second])).toContain(viewerZone());
    expect(names(' ').length).toBe(ZONES_MAX);
  });
});
