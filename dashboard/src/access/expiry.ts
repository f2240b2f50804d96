/** The expiry of a new token: after a number of days, at a chosen moment, or never. */
import { momentOfInput } from '../time/local-input';
import { DAY_US, toShortRfc3339, type TimeUs } from '../time/moment';
import type { HolderKind } from './rights';

export const EXPIRIES = [
  { choice: '1', text: 'in 1 day' },
  { choice: '30', text: 'in 30 days' },
  { choice: '90', text: 'in 90 days' },
  { choice: '365', text: 'in a year' },
  { choice: 'moment', text: 'at a chosen time' },
  { choice: 'never', text: 'never' },
] as const;
export type ExpiryChoice = (typeof EXPIRIES)[number]['choice'];

/** Returns the usual expiry. People can renew their tokens more easily than devices. */
export function usualExpiry(kind: HolderKind): ExpiryChoice {
  return kind === 'device' ? 'never' : '90';
}

export interface ExpiryInput {
  choice: ExpiryChoice;
  /** The chosen time, as an input shows it in a zone. */
  local: string;
}

/** Returns `expires_at` of a new token, or the fault of the input. */
export function expiryOf(
  input: ExpiryInput,
  zone: string,
  nowUs: TimeUs,
): { expiresAt: string | null } | { fault: string } {
  if (input.choice === 'never') return { expiresAt: null };
  if (input.choice !== 'moment') return { expiresAt: toShortRfc3339(nowUs + Number(input.choice) * DAY_US) };
  const us = momentOfInput(input.local, zone);
  if (us === null) return { fault: 'Enter a date and a time.' };
  if (us <= nowUs) return { fault: 'This time has passed.' };
  return { expiresAt: toShortRfc3339(us) };
}
