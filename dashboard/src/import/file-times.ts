/**
 * The times of one file: texts of any form, numbers, and clock times of a zone. A number stands for a time
 * only if its unit is certain: either it is stated, or the result is plausible and all numbers have the same
 * unit.
 */
import { isZone, UTC } from '../time/zone';
import { cellText, isTypedTime, momentText, numberText, type Cell, type Moment } from './cells';
import {
  epochToMoment,
  inferredUnit,
  parseEpochNumber,
  YEAR_ONE_S,
  YEARS_END_S,
  type EpochNumber,
} from './epoch-number';
import { UNIT_NAMES, type TimeUnit } from './time-units';
import { parseTextTime, type TextTime } from './text-time';
import { timeParser, type TimeParser } from './time-format';
import { momentOfClock, type RepeatedTimes } from './zone-clock';

/** How the times of a file are read. */
export interface TimeRules {
  /** Unit of numbers; `null` means inferred. */
  unit: TimeUnit | null;
  /** Form of texts and numbers: `excel` or a pattern; `null` means RFC 3339, and units since 1970. */
  form: string | null;
  /** Zone of times without an offset; `null` means UTC. */
  zone: string | null;
  repeated: RepeatedTimes;
}

export const PLAIN_TIMES: TimeRules = { unit: null, form: null, zone: null, repeated: 'refuse' };

/** Earliest and latest time of a number without a stated unit: 1990 to 2100, in seconds since 1970 UTC. */
const NUMBER_S_MIN = 631_152_000;
const NUMBER_S_END = 4_133_980_800;
/** Maximum number of characters of a number in a message. */
const MESSAGE_DIGITS_MAX = 40;

const INVALID = 'Input should be a valid datetime';

/** Reads the times of one file. Each method returns the moment, `null` if there is none, or the fault. */
export class FileTimes {
  readonly #rules: TimeRules;
  readonly #parse: TimeParser | null;
  #inferred: TimeUnit | null = null;

  /** Throws a `RangeError` if there is no such zone, or if the pattern is not valid. */
  constructor(rules: TimeRules) {
    this.#rules = rules;
    this.#parse = rules.form === null ? null : timeParser(rules.form);
    if (rules.form !== null && !this.#parse) throw new RangeError(`The form ${rules.form} is not known`);
    if (rules.zone !== null && !isZone(rules.zone))
      throw new RangeError(`The zone ${rules.zone} is not known`);
  }

  read(cell: Cell | undefined): Moment | null | string {
    if (cell === null || cell === undefined) return null;
    if (typeof cell === 'string') return this.readText(cell);
    if (typeof cell === 'number') return this.#readNumber(numberText(cell));
    if (typeof cell === 'bigint') return this.#readNumber(String(cell));
    if (!isTypedTime(cell)) return INVALID;
    return cell.kind === 'moment' ? inRange(cell) : this.#readClock(cell);
  }

  /** Reads a date and a time of day that are in two cells. */
  readPair(date: Cell | undefined, time: Cell | undefined): Moment | null | string {
    // A date that is stored as a moment has a time of day of its own.
    const dateText = cellText(date)
      .replace(/T00:00:00\.0{6}Z?$/, '')
      .trim();
    return this.readText(`${dateText} ${cellText(time).trim()}`);
  }

  readText(text: string): Moment | null | string {
    const trimmed = text.trim();
    if (trimmed === '') return null;
    if (this.#parse) return this.#resolve(this.#parse(trimmed), INVALID);
    const number = parseEpochNumber(trimmed);
    if (number) return this.#convert(number, trimmed);
    const time = parseTextTime(trimmed);
    if (typeof time !== 'string') return this.#resolve(time, INVALID);
    return `${INVALID} or date, ${time}; choose a “Form of the times”`;
  }

  #readNumber(text: string): Moment | null | string {
    if (this.#parse) return this.readText(text);
    const number = parseEpochNumber(text);
    return number ? this.#convert(number, text) : `${INVALID}, NaN values not permitted`;
  }

  #resolve(time: TextTime | string, words: string): Moment | string {
    if (typeof time === 'string') return `${words}, ${time}`;
    return time.isClock ? this.#readClock(time) : inRange(time);
  }

  #readClock(clock: Moment): Moment | string {
    const { zone, repeated } = this.#rules;
    if (zone === null || zone === UTC) return inRange(clock);
    const s = momentOfClock(clock.s, zone, repeated);
    if (s === 'skipped') return `${INVALID}, clocks in ${zone} skip this time, because they are set forward`;
    if (s === 'repeated') {
      return `${INVALID}, clocks in ${zone} show this time twice, because they are set back; choose under “Times that clocks show twice”`;
    }
    return inRange({ s, us: clock.us });
  }

  #convert(number: EpochNumber, text: string): Moment | string {
    const { unit } = this.#rules;
    if (unit) {
      const moment = epochToMoment(number, unit);
      return typeof moment === 'string' ? `${INVALID}, ${moment}` : moment;
    }
    const inferred = inferredUnit(number);
    const moment = epochToMoment(number, inferred);
    const [digits, name] = [shorten(text), UNIT_NAMES[inferred]];
    const hint = 'choose a “Unit of numbers”, or write the time as 2026-11-23T10:00:00Z';
    if (typeof moment === 'string') {
      return `${digits} in ${name} since 1970 is outside the years 1 to 9999; ${hint}`;
    }
    if (moment.s < NUMBER_S_MIN || moment.s >= NUMBER_S_END) {
      return `${digits} in ${name} since 1970 is ${momentText(moment)}, outside the years 1990 to 2100; ${hint}`;
    }
    if (this.#inferred && this.#inferred !== inferred) {
      const earlier = UNIT_NAMES[this.#inferred];
      return `${digits} was read as ${name}, but an earlier time of the file as ${earlier}; split the file so that each file has one unit, and import each with its unit`;
    }
    this.#inferred = inferred;
    return moment;
  }
}

function inRange(moment: Moment): Moment | string {
  if (moment.s >= YEAR_ONE_S && moment.s < YEARS_END_S) return { s: moment.s, us: moment.us };
  return `${INVALID}, year is outside expected range of 1-9999 in UTC`;
}

function shorten(text: string): string {
  return text.length > MESSAGE_DIGITS_MAX ? `${text.slice(0, MESSAGE_DIGITS_MAX)}…` : text;
}
