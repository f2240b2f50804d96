/** When a failed request is sent again: the rules of the command `device-stats import`. */
import { ApiFault, ConnectionLost } from '../api/fault';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from './limits';

/** Statuses after which the same request may succeed later. */
const RETRIED = [408, 409, 429, 502, 503, 504, 507];

/** Returns whether a request may succeed later. */
export function isRetried(fault: unknown): boolean {
  return fault instanceof ConnectionLost || (fault instanceof ApiFault && RETRIED.includes(fault.status));
}

/** Returns whether a failed request may have stored its readings. */
export function isOutcomeUnknown(fault: unknown): boolean {
  return (
    fault instanceof ConnectionLost || (fault instanceof ApiFault && [409, 502, 504].includes(fault.status))
  );
}

/**
 * Returns the time before the retry after a number of failures, in milliseconds. `random` is between 0 and 1.
 */
export function backoffMs(failures: number, fault: unknown, random: number): number {
  const whole = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures - 1, 30));
  const wait = whole / 2 + (random * whole) / 2;
  const asked = fault instanceof ApiFault ? (fault.retryAfterS ?? 0) * 1_000 : 0;
  return Math.max(wait, asked);
}
