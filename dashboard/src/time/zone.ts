/**
 * Time zones: their names, and wall clocks of a zone from moments and back. Each IANA zone works, with the rules of
 * the browser (`Intl`). Offsets are cached, because `Intl.DateTimeFormat` is slow.
 */
import { daysOfDate, dateOfDays, floorMod } from './calendar';
import { clampUs, DAY_US, HOUR_US, MAX_US, MIN_US, SECOND_US, type TimeUs } from './moment';

/** Name of the zone without rules. */
export const UTC = 'UTC';

/** Date and time that a clock on a wall shows. */
export interface Wall {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  micro: number;
}

/** Which of two moments with the same wall clock is meant, where clocks are set back. */
export type Fold = 'earlier' | 'later';

/** Names that browsers still list, and the names of the same zones that people know (IANA, file `backward`). */
const RENAMED: Record<string, string> = {
  'Africa/Asmera': 'Africa/Asmara',
  'America/Buenos_Aires': 'America/Argentina/Buenos_Aires',
  'America/Godthab': 'America/Nuuk',
  'Asia/Calcutta': 'Asia/Kolkata',
  'Asia/Katmandu': 'Asia/Kathmandu',
  'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh',
  'Atlantic/Faeroe': 'Atlantic/Faroe',
  'Europe/Kiev': 'Europe/Kyiv',
};

function currentName(name: string): string {
  const renamed = RENAMED[name];
  return renamed !== undefined && isZone(renamed) ? renamed : name;
}

/** Returns the names of the zones that this browser knows, sorted, with `UTC`. */
export function zoneNames(): string[] {
  return [...new Set([...Intl.supportedValuesOf('timeZone'), UTC].map(currentName))].sort();
}

/** Returns the zone of the viewer's computer. */
export function viewerZone(): string {
  ofViewer ??= currentName(new Intl.DateTimeFormat().resolvedOptions().timeZone || UTC);
  return ofViewer;
}

let ofViewer: string | null = null;

/** Returns the zone of a view, where `null` stands for the viewer's zone. */
export function zoneOf(zone: string | null): string {
  return zone ?? viewerZone();
}

/** Returns whether this browser knows a zone. */
export function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** No zone is further from UTC: local mean times before the first time zones reached 15 h 58 min. */
const OFFSET_MAX_US = 16 * HOUR_US;
/** Blocks of time with one offset are remembered. Offsets do not change and change back within a block. */
const BLOCK_US = 6 * HOUR_US;
/** Limit of remembered blocks of one zone. */
const BLOCKS_MAX = 4_096;

interface ZoneClock {
  format: Intl.DateTimeFormat;
  /** Offset at the start of a block, by the number of the block. */
  offsets: Map<number, number>;
}

const clocks = new Map<string, ZoneClock>();

function clockOf(zone: string): ZoneClock {
  let clock = clocks.get(zone);
  if (!clock) {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    clock = { format, offsets: new Map() };
    clocks.set(zone, clock);
  }
  return clock;
}

/** Asks the browser for the offset at a moment in whole seconds. */
function askOffset(clock: ZoneClock, us: TimeUs): number {
  // Such as `11/23/2026 AD, 13:05:09`; `formatToParts` takes four times as long.
  const text = clock.format.format(us / 1_000);
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = (text.match(/\d+/g) ?? []).map(
    Number,
  );
  const days = daysOfDate(text.includes('B') ? 1 - year : year, month, day);
  return (days * 86_400 + hour * 3_600 + minute * 60 + second) * SECOND_US - us;
}

/** Returns the offset at the start of a block of time, remembered. */
function offsetOfBlock(clock: ZoneClock, block: number): number {
  let offset = clock.offsets.get(block);
  if (offset === undefined) {
    offset = askOffset(clock, block * BLOCK_US);
    if (clock.offsets.size >= BLOCKS_MAX) clock.offsets.clear();
    clock.offsets.set(block, offset);
  }
  return offset;
}

/** Returns how far the wall clock of a zone is ahead of UTC at a moment, in microseconds. */
export function offsetUs(us: TimeUs, zone: string): number {
  if (zone === UTC) return 0;
  const clock = clockOf(zone);
  const second = us - floorMod(us, SECOND_US);
  const block = Math.floor(second / BLOCK_US);
  const offset = offsetOfBlock(clock, block);
  return offset === offsetOfBlock(clock, block + 1) ? offset : askOffset(clock, second);
}

/**
 * Returns the first moment after `fromUs`, up to `untilUs`, at which the offset differs from the offset at `fromUs`;
 * `null` if there is none. Two changes within a block that cancel each other are not seen.
 */
export function nextChange(fromUs: TimeUs, untilUs: TimeUs, zone: string): TimeUs | null {
  if (zone === UTC) return null;
  const before = offsetUs(fromUs, zone);
  for (let low = fromUs; low < untilUs; low += BLOCK_US) {
    const high = Math.min(low + BLOCK_US, untilUs);
    if (offsetUs(high, zone) !== before) return bisectChange(low, high, before, zone);
  }
  return null;
}

/** The offset is `before` at `low` and another one at `high`; clocks change at whole seconds. */
function bisectChange(lowUs: TimeUs, highUs: TimeUs, before: number, zone: string): TimeUs {
  let low = Math.floor(lowUs / SECOND_US);
  let high = Math.floor(highUs / SECOND_US);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetUs(middle * SECOND_US, zone) === before) low = middle;
    else high = middle;
  }
  return high * SECOND_US;
}

/** Returns a wall clock as microseconds, counted as if it were UTC. They sort like the wall clock. */
export function wallUs(wall: Wall): number {
  const days = daysOfDate(wall.year, wall.month, wall.day);
  const seconds = wall.hour * 3_600 + wall.minute * 60 + wall.second;
  return (days * 86_400 + seconds) * SECOND_US + wall.micro;
}

/** Returns the wall clock of a number of microseconds, counted as if it were UTC. */
export function wallOfUs(us: number): Wall {
  const micro = floorMod(us, SECOND_US);
  const seconds = (us - micro) / SECOND_US;
  const secondOfDay = floorMod(seconds, 86_400);
  return {
    ...dateOfDays((seconds - secondOfDay) / 86_400),
    hour: Math.floor(secondOfDay / 3_600),
    minute: Math.floor(secondOfDay / 60) % 60,
    second: secondOfDay % 60,
    micro,
  };
}

/** Returns the date and time that clocks of a zone show at a moment. */
export function wallOf(us: TimeUs, zone: string): Wall {
  return wallOfUs(us + offsetUs(us, zone));
}

/**
 * Returns the moment at which clocks of a zone show a wall clock.
 *
 * - Where clocks are set back, two moments have the same wall clock: `fold` chooses.
 * - Where clocks are set forward, no moment has the skipped wall clocks: the moment of the change is returned.
 *
 * A later wall clock never gives an earlier moment.
 */
export function momentOf(wall: Wall, zone: string, fold: Fold = 'earlier'): TimeUs {
  return momentOfWallUs(wallUs(wall), zone, fold);
}

/** Returns the same as `momentOf` for a wall clock counted in microseconds. */
export function momentOfWallUs(wall: number, zone: string, fold: Fold = 'earlier'): TimeUs {
  if (zone === UTC) return clampUs(wall);
  if (wall <= MIN_US - OFFSET_MAX_US) return MIN_US;
  if (wall >= MAX_US + OFFSET_MAX_US) return MAX_US;
  const before = offsetUs(wall - OFFSET_MAX_US, zone);
  const after = offsetUs(wall + OFFSET_MAX_US, zone);
  // The larger offset gives the earlier moment.
  const [first, second] = before > after === (fold === 'earlier') ? [before, after] : [after, before];
  for (const offset of [first, second]) {
    if (offsetUs(wall - offset, zone) === offset) return clampUs(wall - offset);
  }
  const change = nextChange(wall - OFFSET_MAX_US, wall + OFFSET_MAX_US, zone);
  return clampUs(change ?? wall - before);
}

/** Returns the first moment of a day in a zone, for days counted since 1 January 1970. */
export function startOfDay(days: number, zone: string): TimeUs {
  return momentOfWallUs(days * DAY_US, zone);
}

/** Returns the day of a moment in a zone, as days since 1 January 1970. */
export function dayOf(us: TimeUs, zone: string): number {
  return Math.floor((us + offsetUs(us, zone)) / DAY_US);
}

/** Returns the days of a window that consists of whole days of a zone, with an exclusive end; otherwise `null`. */
export function wholeDays(
  fromUs: TimeUs,
  untilUs: TimeUs,
  zone: string,
): { from: number; until: number } | null {
  const from = dayOf(fromUs, zone);
  const until = dayOf(untilUs, zone);
  const whole = until > from && startOfDay(from, zone) === fromUs && startOfDay(until, zone) === untilUs;
  return whole ? { from, until } : null;
}
