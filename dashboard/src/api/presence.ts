/**
 * Whether a window has readings. The service answers a request for the statistics of an empty window with 404, which a
 * browser reports as an error in its console. So the page asks first, unless it knows a reading in the window.
 */
import type { Subject } from '../shared/subject';
import type { TimeUs } from '../time/moment';
import type { Window } from '../time/range';
import { ApiFault } from './fault';

/** Subjects whose readings are remembered. */
const SUBJECTS_MAX = 500;
/** Devices of a user that are asked one by one. If a user has more candidates, its window counts as not empty. */
const ASKED_DEVICES_MAX = 12;

/** A device and the time of its latest reading; `null` without readings. */
export interface Latest {
  deviceId: string;
  timeUs: TimeUs | null;
}

/** The requests that tell of readings. All of them are answered with 200 if there are none. */
export interface Source {
  /** Returns the time of the newest reading of a device in a window; `null` if the window is empty. */
  newestIn: (deviceId: string, window: Window | null) => Promise<TimeUs | null>;
  /** Returns the devices of a user with their latest readings; `null` if there are too many devices. */
  latestOf: (userId: number) => Promise<readonly Latest[] | null>;
}

/** Samples of a picture, in order of time: see `Samples` of the plots. */
interface Spans {
  startsUs: readonly number[];
  endsUs: readonly number[];
  counts: readonly number[];
}

interface Known {
  /** The last picture of the subject. */
  picture: Spans | null;
  /** Time of one more reading: the newest one that arrived live or was found. */
  newestUs: TimeUs | null;
}

export class Presence {
  readonly #source: Source;
  readonly #known = new Map<string, Known>();
  /** The running questions, so that parts of the page that show the same window ask once. */
  readonly #asked = new Map<string, Promise<boolean>>();

  constructor(source: Source) {
    this.#source = source;
  }

  /** Sends a request for the readings of a window. Returns `null`, without the request, if the window is empty. */
  async loadIfAny<T>(
    subject: Subject,
    window: Window | null,
    request: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T | null> {
    if (!(await this.hasReadings(subject, window, signal))) return null;
    try {
      return await request();
    } catch (fault) {
      if (!(fault instanceof ApiFault) || fault.code !== 'no_readings') throw fault;
      // Somebody has deleted the known readings.
      this.forget();
      return null;
    }
  }

  /** Returns whether a window has readings; `null` stands for all readings. */
  async hasReadings(subject: Subject, window: Window | null, signal: AbortSignal): Promise<boolean> {
    const key = JSON.stringify(subject);
    const known = this.#known.get(key);
    if (known && knows(known, window)) return true;
    const question = JSON.stringify([subject, window]);
    let answer = this.#asked.get(question);
    if (!answer) {
      answer = this.#ask(subject, window).finally(() => this.#asked.delete(question));
      this.#asked.set(question, answer);
    }
    const found = await answer;
    // The question is shared, so it is not aborted itself.
    signal.throwIfAborted();
    return found;
  }

  /** Remembers the samples of a picture. */
  notePicture(subject: Subject, picture: Spans): void {
    const key = JSON.stringify(subject);
    this.#note(key, { newestUs: this.#known.get(key)?.newestUs ?? null, picture });
  }

  /** Remembers a reading. */
  noteReading(subject: Subject, timeUs: TimeUs): void {
    const key = JSON.stringify(subject);
    this.#note(key, { picture: this.#known.get(key)?.picture ?? null, newestUs: timeUs });
  }

  /** Forgets all readings, for example because some are deleted. */
  forget(): void {
    this.#known.clear();
    this.#asked.clear();
  }

  #note(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > SUBJECTS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  async #ask(subject: Subject, window: Window | null): Promise<boolean> {
    if ('userId' in subject) return this.#askUser(subject, window);
    const newestUs = await this.#source.newestIn(subject.deviceId, window);
    if (newestUs !== null) this.noteReading(subject, newestUs);
    return newestUs !== null;
  }

  async #askUser(subject: { userId: number }, window: Window | null): Promise<boolean> {
    const latest = await this.#source.latestOf(subject.userId);
    if (!latest) return true;
    const times = latest.flatMap(({ timeUs }) => (timeUs === null ? [] : [timeUs]));
    const inside = times.find((timeUs) => !window || (timeUs >= window.fromUs && timeUs < window.untilUs));
    if (inside !== undefined) {
      this.noteReading(subject, inside);
      return true;
    }
    // Only a device with a later reading can have one in the window.
    const candidates = latest.filter(({ timeUs }) => timeUs !== null && window && timeUs >= window.untilUs);
    if (candidates.length > ASKED_DEVICES_MAX) return true;
    const found = await Promise.all(
      candidates.map(({ deviceId }) => this.#source.newestIn(deviceId, window)),
    );
    const newestUs = found.find((timeUs) => timeUs !== null);
    if (newestUs != null) this.noteReading(subject, newestUs);
    return newestUs != null;
  }
}

/** Returns whether a window certainly contains a known reading. */
function knows({ picture, newestUs }: Known, window: Window | null): boolean {
  if (newestUs !== null && (!window || (newestUs >= window.fromUs && newestUs < window.untilUs))) return true;
  const { startsUs, endsUs, counts } = picture ?? { startsUs: [], endsUs: [], counts: [] };
  // A bucket that is only partly in the window may have its readings outside.
  return counts.some(
    (count, i) =>
      count > 0 &&
      (!window ||
        (startsUs[i]! >= window.fromUs && Math.max(endsUs[i]!, startsUs[i]! + 1) <= window.untilUs)),
  );
}
