/** Search of time zones by name, by place, and by their distance from UTC. */
import type { TimeUs } from './moment';
import { offsetText } from './text';
import { UTC, viewerZone, zoneNames } from './zone';

/** Zone in a list: its name, and its distance from UTC at a moment. */
export interface ListedZone {
  name: string;
  offset: string;
}

/** Limit of listed zones; more words make the list shorter. */
export const ZONES_MAX = 50;

let names: string[] | null = null;

/**
 * Returns the zones whose names contain all words of a text: `new york`, `berlin`, `gmt+5:45`. Without a text, the
 * viewer's zone and UTC come first.
 */
export function findZones(text: string, nowUs: TimeUs): ListedZone[] {
  names ??= zoneNames();
  const words = text
    .toLowerCase()
    .replace(/^utc(?=[+-])/, 'gmt')
    .split(/[\s_/,]+/)
    .filter((word) => word !== '');
  if (words.length === 0) {
    return [...new Set([viewerZone(), UTC, ...names])].slice(0, ZONES_MAX).map((name) => listed(name, nowUs));
  }
  // Only a text with an offset needs the offsets of all zones, which take a while at first.
  const needsOffset = words.some((word) => /^gmt[+-]/.test(word));
  return names
    .filter((name) => {
      const parts = [
        ...name.toLowerCase().split(/[_/]/),
        ...(needsOffset ? [listed(name, nowUs).offset.toLowerCase()] : []),
      ];
      return words.every((word) => parts.some((part) => part.startsWith(word)));
    })
    .slice(0, ZONES_MAX)
    .map((name) => listed(name, nowUs));
}

function listed(name: string, nowUs: TimeUs): ListedZone {
  return { name, offset: offsetText(nowUs, name, 'en') };
}
