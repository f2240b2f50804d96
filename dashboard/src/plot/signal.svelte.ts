/** The signal of a device or a user: fetched samples, the readings that arrive live, and the window that shows them. */
import { Loaded } from '../api/loaded.svelte';
import { subscribe, type StreamState } from '../live/subscribe';
import type { Subject } from '../shared/subject';
import { nowUs } from '../time/moment';
import { sameRange, windowOf, type Range, type Window } from '../time/range';
import { withLive } from './combine';
import { LiveBuffer } from './live_buffer';
import { isRefreshDue, stepMs } from './refresh';
import { expectedReadings, load, type Picture } from './requests';
import { NO_SAMPLES, type Samples, type TimedReading } from './samples';

/** Time between two checks of the clock and the live readings, in milliseconds. */
const CHECK_MS = 400;

/** The part of the view that a signal shows. */
export interface Shown {
  subject: Subject;
  range: Range;
  zone: string;
  hasMagnitude: boolean;
  /** Width of the plot in pixels. */
  widthPx: number;
}

/** Follows a subject and a range. Its parts are drawn by `PlotStack`. */
export class Signal {
  /** Fetched samples with live readings. */
  samples = $state.raw<Samples>(NO_SAMPLES);
  /** The drawn window; `null` before the first answer for a range without bounds. */
  window = $state.raw<Window | null>(null);
  /** Whether the samples are those of another window, subject or zone, and new ones are on their way. */
  isStale = $state(true);
  /** State of the live stream, and the HTTP status if the service refuses it. */
  stream = $state.raw<{ state: StreamState; status: number | null }>({ state: 'connecting', status: null });
  /** The newest live reading of a device. */
  newest = $state.raw<TimedReading | null>(null);

  #loaded = new Loaded<Picture>();
  #live = new LiveBuffer();
  #shown: Shown | null = null;
  #hasBeenLive = false;
  #arrived = 0;
  #requestedMs = 0;
  #drawnMs = 0;
  #drawnArrived = 0;
  #onReadings: ((readings: readonly TimedReading[]) => void) | null;

  /** `onReadings` is told each batch of live readings. */
  constructor(onReadings: ((readings: readonly TimedReading[]) => void) | null = null) {
    this.#onReadings = onReadings;
  }

  get fault(): unknown {
    return this.#loaded.fault;
  }

  get isLoading(): boolean {
    return this.#loaded.isLoading;
  }

  /** Whether there has been an answer. */
  get isKnown(): boolean {
    return this.#loaded.value !== null;
  }

  /** Shows a part of the view. The old samples stay until the new ones arrive. */
  show(shown: Shown): void {
    const before = this.#shown;
    this.#shown = shown;
    if (before && sameSubject(before.subject, shown.subject)) {
      const isSame = sameRange(before.range, shown.range) && before.zone === shown.zone;
      if (isSame && before.hasMagnitude === shown.hasMagnitude && before.widthPx === shown.widthPx) return;
      if (!isSame) this.isStale = true;
    } else {
      this.#loaded.clear();
      this.#live.clear();
      this.samples = NO_SAMPLES;
      this.newest = null;
      this.isStale = true;
    }
    this.window = windowOf(shown.range, nowUs(), shown.zone) ?? this.window;
    this.#draw();
    void this.#request();
  }

  /** Requests the samples again, for example after a deletion. */
  reload(): void {
    this.#live.clear();
    void this.#request();
  }

  /** Follows the clock and the live readings of a subject. Returns the function that ends this. */
  follow(subject: Subject): () => void {
    this.#hasBeenLive = false;
    const unsubscribe = subscribe(subject, {
      onReadings: (readings) => {
        this.#take(readings);
      },
      onState: (state, status) => {
        // Readings may have been missed before the stream began, and while it was interrupted.
        if (state === 'live' && this.#hasBeenLive && this.stream.state !== 'live') void this.#request();
        else if (state === 'live') this.#arrived += 1;
        this.#hasBeenLive ||= state === 'live';
        this.stream = { state, status };
      },
    });
    const timer = setInterval(() => this.#check(), CHECK_MS);
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  #take(readings: readonly TimedReading[]): void {
    this.#arrived += readings.length;
    for (const reading of readings)
      if (reading.timeUs >= (this.newest?.timeUs ?? -Infinity)) this.newest = reading;
    if (this.window) this.#live.add(readings, this.#openWindow(this.window));
    this.#onReadings?.(readings);
  }

  /** The window of all readings ends with the newest one. */
  #openWindow(window: Window): Window {
    return this.#shown?.range.kind === 'all' ? { ...window, untilUs: Infinity } : window;
  }

  #check(): void {
    const [shown, picture] = [this.#shown, this.#loaded.value];
    if (!shown || document.hidden) return;
    if (shown.range.kind === 'calendar') this.#followCalendar(shown);
    const nowMs = performance.now();
    const lengthUs = this.window ? this.window.untilUs - this.window.fromUs : 0;
    const isStepDue = shown.range.kind === 'last' && nowMs - this.#drawnMs >= stepMs(lengthUs, shown.widthPx);
    if (isStepDue || this.#arrived !== this.#drawnArrived) this.#draw();
    if (!picture || this.isLoading) return;
    const since = {
      elapsedMs: nowMs - this.#requestedMs,
      arrived: this.#arrived,
      buffered: this.#live.size,
      bufferLimit: this.#live.limit,
    };
    if (isRefreshDue(since, picture.bucketUs)) void this.#request();
  }

  /** Shows the next day, week, month or year when the present one ends. */
  #followCalendar({ range, zone }: Shown): void {
    const window = windowOf(range, nowUs(), zone);
    if (!window || window.fromUs === this.window?.fromUs) return;
    this.window = window;
    this.isStale = true;
    void this.#request();
  }

  async #request(): Promise<void> {
    const shown = this.#shown;
    if (!shown || shown.widthPx <= 0) return;
    const [mark, arrived] = [this.#live.mark, this.#arrived];
    this.#requestedMs = performance.now();
    const window = windowOf(shown.range, nowUs(), shown.zone);
    const known = this.#loaded.value;
    const expected = this.isStale ? expectedReadings(known, window) : sizeOf(known);
    const isTaken = await this.#loaded.load((signal) => load({ ...shown, window }, expected, signal));
    const picture = this.#loaded.value;
    if (!isTaken || !picture) return;
    this.#live.dropFetched(mark, picture.window.untilUs);
    this.#arrived -= arrived;
    this.isStale = false;
    if (shown.range.kind !== 'last') this.window = picture.window;
    this.#draw();
  }

  /** Moves the window to the present and adds the live readings. */
  #draw(): void {
    const [shown, picture] = [this.#shown, this.#loaded.value];
    this.#drawnMs = performance.now();
    this.#drawnArrived = this.#arrived;
    if (!shown) return;
    if (shown.range.kind === 'last') this.window = windowOf(shown.range, nowUs(), shown.zone);
    if (!picture) return;
    if (this.window) this.#live.moveTo(this.#openWindow(this.window));
    this.samples = withLive(picture.samples, this.#live.readings, picture.bucketUs);
    const endUs = this.samples.endsUs.at(-1);
    if (shown.range.kind === 'all' && !this.isStale && endUs !== undefined) {
      this.window = { ...picture.window, untilUs: Math.max(picture.window.untilUs, endUs + 1) };
    }
  }
}

/** A refreshed picture has about as many readings as before. */
function sizeOf(picture: Picture | null): number | null {
  return picture?.samples.kind === 'readings' ? picture.samples.startsUs.length : null;
}

function sameSubject(a: Subject, b: Subject): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
