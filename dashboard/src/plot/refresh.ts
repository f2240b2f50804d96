/** When a picture is requested again, because live readings have changed it. */

/** Shortest and longest time between two requests, in milliseconds. */
const PAUSE_MIN_MS = 2_000;
const PAUSE_MAX_MS = 60_000;
/** Share of the live buffer from which it counts as nearly full. */
const NEARLY_FULL = 0.5;
/** Shortest time between two updates of the drawn window, in milliseconds. */
const STEP_MIN_MS = 400;
const STEP_MAX_MS = 1_000;

/** What has happened since the last request. */
export interface Since {
  /** Time since the last request, in milliseconds. */
  elapsedMs: number;
  /** Number of readings that have arrived. */
  arrived: number;
  /** Number of readings in the live buffer, and its limit. */
  buffered: number;
  bufferLimit: number;
}

/**
 * Returns whether a picture has to be requested again: if readings have arrived, after each bucket, but at a calm pace;
 * sooner if the live buffer is nearly full, so that it never drops a reading that is not in the picture.
 */
export function isRefreshDue(
  { elapsedMs, arrived, buffered, bufferLimit }: Since,
  bucketUs: number,
): boolean {
  if (arrived === 0 || elapsedMs < PAUSE_MIN_MS) return false;
  if (buffered >= bufferLimit * NEARLY_FULL) return true;
  return elapsedMs >= Math.min(bucketUs / 1000, PAUSE_MAX_MS);
}

/** Returns the time between two updates of a window that follows the clock: about one pixel, in milliseconds. */
export function stepMs(lengthUs: number, widthPx: number): number {
  return Math.min(Math.max(lengthUs / Math.max(widthPx, 1) / 1000, STEP_MIN_MS), STEP_MAX_MS);
}
