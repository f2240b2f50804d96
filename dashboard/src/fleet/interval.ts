/** The expected interval of a device, as a number and a unit that people choose. */

export const UNITS = [
  { name: 'seconds', seconds: 1 },
  { name: 'minutes', seconds: 60 },
  { name: 'hours', seconds: 3_600 },
  { name: 'days', seconds: 86_400 },
] as const;

/** Longest expected interval that the service accepts, in seconds. */
export const INTERVAL_S_MAX = 31 * 86_400;

export interface IntervalInput {
  /** The number as typed; empty for no interval. */
  number: string;
  unitSeconds: number;
}

/** Returns the input for an interval, in the largest unit that shows it as a whole number. */
export function toInput(seconds: number | null): IntervalInput {
  if (seconds === null) return { number: '', unitSeconds: 60 };
  const unit = UNITS.findLast((unit) => seconds % unit.seconds === 0) ?? UNITS[0];
  return { number: String(seconds / unit.seconds), unitSeconds: unit.seconds };
}

/** Returns the interval in seconds; `null` for none, or the fault of the input. */
export function fromInput(input: IntervalInput): { seconds: number | null } | { fault: string } {
  if (input.number.trim() === '') return { seconds: null };
  const seconds = Number(input.number.replace(',', '.')) * input.unitSeconds;
  if (!(seconds > 0)) return { fault: 'Enter a number greater than 0, or leave the field empty.' };
  if (seconds > INTERVAL_S_MAX) return { fault: 'Enter at most 31 days.' };
  return { seconds };
}
