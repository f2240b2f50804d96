/** The newest readings of a live stream, until a request has fetched them: bounded and sorted by time. */
import type { TimedReading } from './samples';
import type { Window } from './window';

/** Maximum number of readings in the buffer. At 100 readings/s it holds 40 seconds. */
export const LIVE_READINGS_MAX = 4_000;
/** Readings up to this time after the window are kept: the clock of a device may be a little ahead. */
const AHEAD_US = 10_000_000;

interface Received extends TimedReading {
  /** Position in the order of arrival. */
  arrival: number;
}

/** Readings in order of time. A reading with the device and time of another one replaces it. */
export class LiveBuffer {
  #readings: Received[] = [];
  #arrivals = 0;

  constructor(readonly limit = LIVE_READINGS_MAX) {}

  get readings(): readonly TimedReading[] {
    return this.#readings;
  }

  get size(): number {
    return this.#readings.length;
  }

  /** Position in the order of arrival: readings that arrive later are not dropped by `dropFetched` with it. */
  get mark(): number {
    return this.#arrivals;
  }

  /** Adds readings in any order of time, and drops those outside the window and the oldest above the limit. */
  add(batch: readonly TimedReading[], window: Window): void {
    for (const reading of batch) {
      if (isNear(reading.timeUs, window)) this.#insert({ ...reading, arrival: this.#arrivals });
      this.#arrivals += 1;
    }
    this.#dropOldest();
  }

  /** Drops the readings that have left the window. */
  moveTo(window: Window): void {
    this.#readings = this.#readings.filter(({ timeUs }) => isNear(timeUs, window));
  }

  /** Drops the readings that a request has fetched: those before `untilUs` that had arrived when it was sent. */
  dropFetched(mark: number, untilUs: number): void {
    this.#readings = this.#readings.filter(({ arrival, timeUs }) => arrival >= mark || timeUs >= untilUs);
  }

  clear(): void {
    this.#readings = [];
  }

  #insert(reading: Received): void {
    let place = this.#readings.length;
    // Nearly all readings are the newest, so the search begins at the end.
    while (place > 0 && isBefore(reading, this.#readings[place - 1]!)) place -= 1;
    const before = this.#readings[place - 1];
    const isRepeat = before?.timeUs === reading.timeUs && before.deviceId === reading.deviceId;
    if (isRepeat) this.#readings[place - 1] = reading;
    else this.#readings.splice(place, 0, reading);
    // Memory stays bounded within a large batch, too.
    if (this.#readings.length > 2 * this.limit) this.#dropOldest();
  }

  #dropOldest(): void {
    if (this.#readings.length > this.limit) this.#readings.splice(0, this.#readings.length - this.limit);
  }
}

function isNear(timeUs: number, window: Window): boolean {
  return timeUs >= window.fromUs && timeUs < window.untilUs + AHEAD_US;
}

function isBefore(a: TimedReading, b: TimedReading): boolean {
  return a.timeUs === b.timeUs ? a.deviceId < b.deviceId : a.timeUs < b.timeUs;
}
