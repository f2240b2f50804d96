/**
 * Divides the readings of a file into parts. A part is one request: CSV, which the server reads faster than
 * JSON.
 */
import { momentUs, type Moment } from './cells';
import { csvCell } from './csv-cell';
import {
  KNOWN_DEVICES_MAX,
  PART_BYTES_MAX,
  PART_DEVICES_MAX,
  PART_REJECTED_MAX,
  PART_ROWS_MAX,
} from './limits';
import { isRejected, type ReadingRow, type RejectedRow } from './rows';

/** The times of the readings of a device in a part, in microseconds since 1970. */
export interface Span {
  device: string;
  minUs: number;
  maxUs: number;
}

/** Consecutive rows of a file. It passes from the worker to the page. */
export interface Part {
  /** CSV with a header; the time is in seconds since 1970. */
  body: Uint8Array<ArrayBuffer>;
  /** The line or row number of each reading in the file. */
  numbers: Float64Array<ArrayBuffer>;
  /**
   * The devices with their times. A device whose readings have no time has an empty span: `minUs` is
   * infinite.
   */
  spans: Span[];
  /** Number of readings without a time. */
  untimed: number;
  /** Rows that are faulty before they are sent. */
  rejected: RejectedRow[];
  /** Share of the file that has been read up to the end of this part, from 0 to 1. */
  progress: number;
}

const HEADER = 'device_id,timestamp,x,y,z\n';
/** Maximum size of a line without its device and its numbers, in bytes. */
const LINE_BYTES = 40;

/** A device of the part: its cell and its times. */
interface PartDevice {
  cell: string;
  cellBytes: number;
  span: Span | null;
}

export class PartBuilder {
  readonly #encoder = new TextEncoder();
  readonly #devices = new Map<string, PartDevice>();
  #lines: string[] = [];
  #numbers: number[] = [];
  #rejected: RejectedRow[] = [];
  #spans: Span[] = [];
  #untimed = 0;
  #bytes = HEADER.length;

  /** Adds the next row of the file. Returns whether the part is full. */
  add(row: ReadingRow | RejectedRow): boolean {
    if (isRejected(row)) {
      this.#rejected.push(row);
    } else {
      const device = this.#device(row.device);
      this.#note(device, row);
      const { x, y, z } = row;
      this.#lines.push(`${device.cell},${row.time ? secondsText(row.time) : ''},${x},${y},${z}\n`);
      this.#numbers.push(row.number);
      this.#bytes += device.cellBytes + x.length + y.length + z.length + LINE_BYTES;
    }
    return (
      this.#lines.length >= PART_ROWS_MAX ||
      this.#bytes >= PART_BYTES_MAX ||
      this.#spans.length >= PART_DEVICES_MAX ||
      this.#rejected.length >= PART_REJECTED_MAX
    );
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#rejected.length === 0;
  }

  /** Returns the part, and begins the next one. */
  take(progress: number): Part {
    const body = this.#encoder.encode(HEADER + this.#lines.join(''));
    const numbers = new Float64Array(this.#numbers);
    const part = {
      body,
      numbers,
      spans: this.#spans,
      untimed: this.#untimed,
      rejected: this.#rejected,
      progress,
    };
    for (const span of this.#spans) {
      const device = this.#devices.get(span.device);
      if (device) device.span = null;
    }
    if (this.#devices.size >= KNOWN_DEVICES_MAX) this.#devices.clear();
    [this.#lines, this.#numbers, this.#rejected, this.#spans] = [[], [], [], []];
    [this.#untimed, this.#bytes] = [0, HEADER.length];
    return part;
  }

  #device(id: string): PartDevice {
    const known = this.#devices.get(id);
    if (known) return known;
    const cell = csvCell(id);
    const device = { cell, cellBytes: this.#encoder.encode(cell).length, span: null };
    this.#devices.set(id, device);
    return device;
  }

  #note(device: PartDevice, { device: id, time }: ReadingRow): void {
    if (!device.span) {
      device.span = { device: id, minUs: Infinity, maxUs: -Infinity };
      this.#spans.push(device.span);
    }
    if (!time) {
      this.#untimed += 1;
      return;
    }
    const us = momentUs(time);
    if (us < device.span.minUs) device.span.minUs = us;
    if (us > device.span.maxUs) device.span.maxUs = us;
  }
}

/** Returns a moment as a decimal number of seconds, with all its digits. */
function secondsText({ s, us }: Moment): string {
  if (us === 0) return String(s);
  if (s >= 0) return `${s}.${String(us).padStart(6, '0')}`;
  // -1.5 s is 2 whole seconds before 1970, and 500,000 microseconds after that.
  return `-${-1 - s}.${String(1_000_000 - us).padStart(6, '0')}`;
}
