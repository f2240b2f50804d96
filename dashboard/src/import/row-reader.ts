/** Reads the values of a row by the rules of the server, and combines them to a reading or a rejected row. */
import { cellText, momentText, type Moment, type SourceRow } from './cells';
import { TARGETS } from './column-names';
import { FileTimes } from './file-times';
import { planOf, type Mapping, type Plan } from './mapping';
import { deviceFault, deviceText, Fault, numberOf } from './reading-rules';
import { KNOWN_DEVICES_MAX } from './limits';
import type { ReadingRow, RejectedRow, RowFault } from './rows';

/**
 * Reads the rows of one file in order: the first number that stands for a time decides the unit of the
 * others.
 */
export class RowReader {
  readonly #plan: Plan;
  readonly #times: FileTimes;
  /** The outcome of the check of each device. */
  readonly #devices = new Map<string, string | null>();

  /** Throws a `RangeError` if the zone or the form of the times is not valid. */
  constructor(readonly mapping: Mapping) {
    this.#plan = planOf(mapping.roles);
    this.#times = new FileTimes(mapping.times);
  }

  read(row: SourceRow): ReadingRow | RejectedRow {
    if (row.problem !== undefined) return this.#reject(row, [{ field: null, message: row.problem }], null);
    const device = this.#device(row);
    const time = this.#time(row);
    const x = this.#number(row, this.#plan.x);
    const y = this.#number(row, this.#plan.y);
    const z = this.#number(row, this.#plan.z);
    const isTimed = typeof time !== 'string';
    if (
      typeof device === 'string' &&
      isTimed &&
      typeof x === 'string' &&
      typeof y === 'string' &&
      typeof z === 'string'
    ) {
      return { number: row.number, device, time, x, y, z };
    }
    const faults: RowFault[] = [];
    const values = [device, isTimed ? '' : new Fault(time), x, y, z];
    for (const [at, value] of values.entries()) {
      if (value instanceof Fault) faults.push({ field: TARGETS[at] ?? null, message: value.message });
    }
    return this.#reject(row, faults, isTimed ? time : null);
  }

  #number({ cells }: SourceRow, column: number | null): string | Fault {
    return numberOf(column === null ? null : cells[column], this.mapping.hasDecimalComma);
  }

  #device({ cells }: SourceRow): string | Fault {
    const { device_id: column } = this.#plan;
    const text = column === null ? this.mapping.device : deviceText(cells[column]);
    if (typeof text !== 'string') return text;
    let fault = this.#devices.get(text);
    if (fault === undefined) {
      fault = deviceFault(text);
      if (this.#devices.size >= KNOWN_DEVICES_MAX) this.#devices.clear();
      this.#devices.set(text, fault);
    }
    return fault === null ? text : new Fault(fault);
  }

  /** Returns the time; `null` if the server gives it; otherwise the fault. */
  #time({ cells }: SourceRow): Moment | null | string {
    const { timestamp, time_of_day: ofDay } = this.#plan;
    if (timestamp === null) return null;
    const time =
      ofDay === null
        ? this.#times.read(cells[timestamp])
        : this.#times.readPair(cells[timestamp], cells[ofDay]);
    if (time !== null || this.mapping.missingTimesAreNow) return time;
    return 'Field required: the row has no time';
  }

  /**
   * A readable time is written as RFC 3339, so that the table of rejected rows does not depend on the rules
   * of times.
   */
  #reject({ number, cells }: SourceRow, faults: RowFault[], time: Moment | null): RejectedRow {
    const text = (column: number | null) => (column === null ? '' : cellText(cells[column]));
    const { device_id: device, timestamp, time_of_day: ofDay, x, y, z } = this.#plan;
    const timeText = ofDay === null ? text(timestamp) : `${text(timestamp)} ${text(ofDay)}`;
    const values = [
      device === null ? this.mapping.device : text(device),
      time === null ? timeText : momentText(time),
      text(x),
      text(y),
      text(z),
    ];
    return { number, values, faults };
  }
}
