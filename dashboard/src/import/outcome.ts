/** What an import has stored so far. */
import { DEVICES_KEPT_MAX, REJECTED_KEPT_MAX } from './limits';
import type { Part } from './part-builder';
import type { RejectedRow } from './rows';

/** A fault of a row, as the service reports it. */
export interface ServerFault {
  loc: (string | number)[];
  msg: string;
}

/** The answer of the service to a part. */
export interface PartAnswer {
  accepted: number;
  duplicates: number;
  conflicts: number;
  rejected?: number;
  faults?: ServerFault[];
}

export class Outcome {
  /** Number of readings that the import has stored. */
  stored = 0;
  /** Number of readings whose device and time were already stored; `conflicts` of them have other values. */
  repeats = 0;
  conflicts = 0;
  /** Number of faulty rows. */
  rejected = 0;
  /** The first rejected rows, in the order in which they became known. */
  rejectedRows: RejectedRow[] = [];
  /** Number of rows whose request got no answer before the import was stopped. */
  unknown = 0;
  /** The devices of the stored readings. There may be more than are kept. */
  devices = new Map<string, { minUs: number; maxUs: number }>();
  hasMoreDevices = false;

  /** Notes rows that are faulty before they are sent. */
  reject(rows: readonly RejectedRow[], count = rows.length): void {
    this.rejected += count;
    const room = Math.max(0, REJECTED_KEPT_MAX - this.rejectedRows.length);
    if (room > 0) this.rejectedRows = [...this.rejectedRows, ...rows.slice(0, room)];
  }

  /** Notes the answer to a part, with the rows that it rejects as far as it names them. */
  accept(part: Part, answer: PartAnswer, rejected: readonly RejectedRow[]): void {
    this.stored += answer.accepted;
    this.repeats += answer.duplicates;
    this.conflicts += answer.conflicts;
    if (answer.rejected) this.reject(rejected, answer.rejected);
    if (answer.accepted + answer.duplicates === 0) return;
    for (const { device, minUs, maxUs } of part.spans) {
      const known = this.devices.get(device);
      if (known) {
        this.devices.set(device, {
          minUs: Math.min(known.minUs, minUs),
          maxUs: Math.max(known.maxUs, maxUs),
        });
      } else if (this.devices.size < DEVICES_KEPT_MAX) {
        this.devices.set(device, { minUs, maxUs });
      } else {
        this.hasMoreDevices = true;
      }
    }
  }

  /**
   * First and last time of the readings of all devices, in microseconds since 1970; `null` if none has a
   * time.
   */
  get window(): { minUs: number; maxUs: number } | null {
    let [minUs, maxUs] = [Infinity, -Infinity];
    for (const span of this.devices.values()) {
      minUs = Math.min(minUs, span.minUs);
      maxUs = Math.max(maxUs, span.maxUs);
    }
    return minUs <= maxUs ? { minUs, maxUs } : null;
  }
}
