/** Labels of the ticks of a time axis: the time or the date of each tick, and below it the date where it changes. */
import { daysOfDate } from './calendar';
import { dateFormat, type Locale } from './formats';
import { DAY_US, MINUTE_US, SECOND_US, type TimeUs } from './moment';
import type { Step } from './ticks';
import { offsetText, timeText } from './text';
import { dayOf, offsetUs, wallOf } from './zone';

/** Tick of a time axis. */
export interface Tick {
  atUs: TimeUs;
  label: string;
  /** Second line of the label: the date or the year, at the first tick and where it changes; otherwise `null`. */
  context: string | null;
}

/** Width of a character of the axis, in pixels, estimated for 12 px text. */
const CHARACTER_PX = 7;

/** Returns the width of the widest label of a step between two moments, in pixels. */
export function labelWidth(step: Step, from: TimeUs, until: TimeUs, zone: string, locale: Locale): number {
  const samples = [from, until];
  // Names of months differ in width. Years are widest at an end, and times are equally wide.
  if (step.unit === 'day' || (step.unit === 'month' && step.count < 12)) {
    const { year } = wallOf(from, zone);
    for (let month = 1; month <= 12; month += 1) samples.push(daysOfDate(year, month, 28) * DAY_US);
  }
  return Math.max(...samples.map((us) => textWidth(labelText(us, step, zone, locale))));
}

/** Returns the ticks at some positions. `pixelsPerUs` is the scale of the axis. */
export function labelTicks(
  positions: TimeUs[],
  step: Step,
  zone: string,
  pixelsPerUs: number,
  locale: Locale,
): Tick[] {
  const ticks = positions.map((atUs, index): Tick => {
    const label = labelText(atUs, step, zone, locale);
    return { atUs, label, context: contextText(atUs, positions[index - 1], step, zone, locale) };
  });
  // The context of the first tick gives way to a close next one, which then takes its place.
  const [first] = ticks;
  const next = ticks.findIndex(({ context }, index) => index > 0 && context !== null);
  const second = ticks[next];
  if (first && second) {
    const distance = (second.atUs - first.atUs) * pixelsPerUs;
    const needed = (textWidth(first.context ?? '') + textWidth(second.context ?? '')) / 2 + CHARACTER_PX;
    if (distance < needed) {
      first.context = null;
      second.context = contextText(second.atUs, undefined, step, zone, locale);
    }
  }
  return ticks;
}

function labelText(us: TimeUs, step: Step, zone: string, locale: Locale): string {
  if (step.unit === 'time') return timeText(us, zone, timeDigits(step.us), locale);
  const options: Intl.DateTimeFormatOptions =
    step.unit === 'day'
      ? { day: 'numeric', month: 'short' }
      : step.count < 12
        ? { month: 'short' }
        : { year: 'numeric' };
  return dateFormat(locale, { ...options, timeZone: zone }).format(Math.floor(us / 1_000));
}

/** Returns how exact the labels of times have to be: whole minutes, or seconds with a number of digits. */
function timeDigits(stepUs: number): number | 'minute' {
  if (stepUs >= MINUTE_US) return 'minute';
  return stepUs >= SECOND_US ? 0 : 7 - String(stepUs).length;
}

/** Returns the second line of a label, given the tick before it. */
function contextText(
  us: TimeUs,
  before: TimeUs | undefined,
  step: Step,
  zone: string,
  locale: Locale,
): string | null {
  const isYear = step.unit === 'month' && step.count >= 12;
  if (isYear) return null;
  const sameYear = before !== undefined && wallOf(us, zone).year === wallOf(before, zone).year;
  const text = (options: Intl.DateTimeFormatOptions): string =>
    dateFormat(locale, { ...options, timeZone: zone }).format(Math.floor(us / 1_000));
  if (step.unit !== 'time') return sameYear ? null : text({ year: 'numeric' });
  if (before === undefined || dayOf(us, zone) !== dayOf(before, zone)) {
    return text({
      weekday: 'short',
      day: 'numeric',
      month: 'short',
      ...(sameYear ? {} : { year: 'numeric' }),
    });
  }
  return offsetUs(us, zone) === offsetUs(before, zone) ? null : offsetText(us, zone, locale);
}

/** Returns the width of a text in pixels, estimated. Characters of East Asia are about twice as wide. */
function textWidth(text: string): number {
  let characters = 0;
  for (const character of text) characters += character >= '\u2e80' ? 2 : 1;
  return characters * CHARACTER_PX;
}
