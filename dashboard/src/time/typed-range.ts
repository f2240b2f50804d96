/** Ranges written by hand, such as `last 3 h`, `2026-11-03` or `yesterday 10:00 - 11:00`. */
import type { Here } from './calendar-window';
import { DAY_US, HOUR_US, toShortRfc3339 } from './moment';
import { between, calendarNamed, calendarWord, last, type Range } from './range';
import { parseEnd, parseSpan, TextFault, type End } from './typed-moment';
import { dayOf, momentOf, momentOfWallUs, startOfDay, wallOf, wallUs, wholeDays, type Fold } from './zone';

/** A range, or the reason why a text is none, for people. */
export type TypedRange = { range: Range } | { fault: string };

const EXAMPLES =
  'Write a span such as “last 3 h”, a day such as “2026-11-03”, or two ends such as “2026-11-01 12:00 .. 2026-11-05”.';

/** Longest text that is read. */
const TEXT_MAX = 200;

/**
 * Returns the range that a text means. A day as the end of a range is included. Times without an offset are those of
 * the zone; of a time that clocks show twice, the range contains both.
 */
export function parseRange(text: string, here: Here): TypedRange {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (trimmed === '' || trimmed.length > TEXT_MAX) return { fault: EXAMPLES };
  if (/^(all|everything|all readings)$/i.test(trimmed)) return { range: { kind: 'all' } };
  try {
    return (
      parseLast(trimmed) ?? parseSingle(trimmed, here) ?? parsePair(trimmed, here) ?? { fault: EXAMPLES }
    );
  } catch (fault) {
    if (fault instanceof TextFault) return { fault: fault.message };
    throw fault;
  }
}

function parseLast(text: string): TypedRange | null {
  const [, span = ''] = /^(?:(?:the )?(?:last|past) )?(.*)$/i.exec(text) ?? [];
  const single = /^(?:the )?(?:last|past) (minute|hour|day)$/i.exec(text);
  const seconds = parseSpan(single ? `1 ${single[1]}` : span);
  if (seconds === null) return null;
  const range = last(seconds);
  return range ? { range } : { fault: 'The span is too short or too long.' };
}

function parseSingle(text: string, here: Here): TypedRange | null {
  const named = calendarNamed(text.toLowerCase().replace(' ', '-'));
  if (named) return { range: named };
  const [, since] = /^since (.*)$/i.exec(text) ?? [];
  const end = parseEnd(since ?? text, here);
  if (end && since !== undefined) return combine(end, { kind: 'moment', us: here.nowUs }, here);
  if (end?.kind === 'days') return combine(end, end, here);
  const single = { fault: `“${text}” is a single moment. Add the other end, such as “${text} .. now”.` };
  // Without the T, `yesterday 10:00-11:00` is two times, and not one with an offset.
  if (!end) return null;
  return /^\d{4}-\d\d-\d\dT/i.test(text) ? single : (parsePair(text, here) ?? single);
}

/** The longest separators come first: the `-` inside a date separates only if nothing else does. */
const SEPARATORS = [/\.{2,3}|…/g, / (?:to|until|till) /gi, / [-–—] /g, /[–—]/g, /\//g, /-/g];

function parsePair(text: string, here: Here): TypedRange | null {
  const [, inner = text] = /^from (.*)$/i.exec(text) ?? [];
  const [, start, end] = /^between (.*) and (.*)$/i.exec(text) ?? [];
  const pairs: [string, string][] = start !== undefined && end !== undefined ? [[start, end]] : [];
  for (const separator of SEPARATORS) {
    for (const match of inner.matchAll(separator)) {
      pairs.push([inner.slice(0, match.index), inner.slice(match.index + match[0].length)]);
    }
  }
  let fault: unknown = null;
  for (const [left, right] of pairs) {
    try {
      const [from, until] = [parseEnd(left, here), parseEnd(right, here)];
      if (from && until) return combine(from, until, here);
    } catch (error) {
      fault ??= error;
    }
  }
  if (fault) throw fault;
  return null;
}

function combine(from: End, until: End, here: Here): TypedRange {
  const [start, end] = withHalf(from, until);
  const fromUs = startUs(start, dayFor(start, end, here), here.zone);
  const day = dayFor(end, start, here);
  let untilUs = endUs(end, day, here.zone);
  // 22:00 - 02:00 ends on the next day.
  if (end.kind === 'time' && end.days === null && untilUs <= fromUs) untilUs = endUs(end, day + 1, here.zone);
  const range = between(fromUs, untilUs);
  if (range) return { range };
  return { fault: 'The end is not after the start. Write the earlier end first.' };
}

/** In `10:00 - 11:00 pm`, `pm` belongs to both times; in `10:00 - 2:00 pm`, only to the second. */
function withHalf(from: End, until: End): [End, End] {
  const isOpen = from.kind === 'time' && !from.time.hasHalf && until.kind === 'time' && until.time.hasHalf;
  if (!isOpen || until.days !== null) return [from, until];
  const noon = 12 * HOUR_US;
  const us = (from.time.us % noon) + (until.time.us >= noon ? noon : 0);
  const fits = from.time.us < noon + HOUR_US && us < until.time.us;
  return fits ? [{ ...from, time: { us, hasHalf: true } }, until] : [from, until];
}

/** Returns the day of a time: its own, otherwise the day of the other end, otherwise today. */
function dayFor(end: End, other: End, here: Here): number {
  if (end.kind === 'time' && end.days) return end.days.from;
  if (other.kind === 'moment') return dayOf(other.us, here.zone);
  return other.days?.from ?? dayOf(here.nowUs, here.zone);
}

function startUs(end: End, day: number, zone: string): number {
  if (end.kind === 'moment') return end.us;
  if (end.kind === 'days') return startOfDay(end.days.from, zone);
  return timeUs(day, end.time.us, zone, 'earlier');
}

function endUs(end: End, day: number, zone: string): number {
  if (end.kind === 'moment') return end.us;
  if (end.kind === 'days') return startOfDay(end.days.until, zone);
  return timeUs(day, end.time.us, zone, 'later');
}

function timeUs(day: number, us: number, zone: string, fold: Fold): number {
  return momentOfWallUs(day * DAY_US + us, zone, fold);
}

/** Returns a text that `parseRange` reads as the same range in the same zone, to be changed by hand. */
export function editableText(range: Range, zone: string): string {
  if (range.kind === 'all') return 'all';
  if (range.kind === 'last') return `last ${spanOf(range.seconds)}`;
  if (range.kind === 'calendar') return calendarWord(range).replace('-', ' ');
  const days = wholeDays(range.fromUs, range.untilUs, zone);
  if (days) {
    const [first, final] = [days.from, days.until - 1].map((day) => dateText(day * DAY_US));
    return first === final ? `${first}` : `${first} .. ${final}`;
  }
  return `${endText(range.fromUs, zone, 'earlier')} .. ${endText(range.untilUs, zone, 'later')}`;
}

function spanOf(seconds: number): string {
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
  ];
  const [unit, size] = units.find(([, size]) => seconds % size === 0) ?? ['s', 1];
  return `${seconds / size} ${unit}`;
}

/** Writes a moment as a wall clock, or in UTC if the wall clock has no text or means another moment. */
function endText(us: number, zone: string, fold: Fold): string {
  const wall = wallOf(us, zone);
  const hasText = wall.year >= 1 && wall.year <= 9999;
  if (!hasText || momentOf(wall, zone, fold) !== us) return toShortRfc3339(us);
  const text = toShortRfc3339(wallUs(wall)).replace('T', ' ').replace('Z', '');
  return text.replace(/(:\d\d):00$/, '$1');
}

function dateText(us: number): string {
  return toShortRfc3339(us).slice(0, 10);
}
