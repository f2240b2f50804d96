/**
 * The moment at which clocks of a zone show a time. When clocks are set forward, they skip times; when they
 * are set back, they show times twice.
 */
import { HOUR_US, SECOND_US } from '../time/moment';
import { offsetUs } from '../time/zone';

/** The choice of the moment of a time that clocks show twice. */
export type RepeatedTimes = 'refuse' | 'earlier' | 'later';

/** No zone is further from UTC. */
const OFFSET_MAX_US = 16 * HOUR_US;

/**
 * Returns the moment at which clocks show a time, both in seconds since 1970; `skipped` or `repeated`
 * otherwise.
 */
export function momentOfClock(
  clockS: number,
  zone: string,
  repeated: RepeatedTimes,
): number | 'skipped' | 'repeated' {
  // Whole seconds in microseconds are exact in each year.
  const clockUs = clockS * SECOND_US;
  const offsets = [offsetUs(clockUs - OFFSET_MAX_US, zone), offsetUs(clockUs + OFFSET_MAX_US, zone)];
  const moments = offsets
    .filter((offset) => offsetUs(clockUs - offset, zone) === offset)
    .map((offset) => (clockUs - offset) / SECOND_US);
  if (moments.length === 0) return 'skipped';
  const [earlier, later] = [Math.min(...moments), Math.max(...moments)];
  if (earlier !== later && repeated === 'refuse') return 'repeated';
  return repeated === 'later' ? later : earlier;
}
