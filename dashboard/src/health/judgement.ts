/** The judgement of the state of the service: what is not normal, and what to do about it. */
import { countText } from '../shared/numbers';
import { spanText } from '../time/text';
import { increaseOf, type Pick, type Sample, type ServiceState } from './history';
import { bytesText, waitText } from './units';

/** `bad`: data is lost, refused or delayed. `warn`: it will be, or something is unusual. */
export type Level = 'bad' | 'warn';

export interface Finding {
  level: Level;
  text: string;
  /** The action that helps. */
  remedy: string;
}

// The defaults of the settings, and the limits of `docs/operating.md`.
/** Time in the queue from which the service refuses some requests (`--overload-wait-ms`). */
export const WAIT_S_MAX = 0.05;
/** Readings that the queue holds. */
export const QUEUE_READINGS_MAX = 1_048_576;
/** Hot readings above which devices are sealed early. */
export const HOT_READINGS_USUAL = 1_048_576;
/** Hot readings from which further readings are refused (`--hot-readings-max`). */
export const HOT_READINGS_MAX = 16_777_216;
/** Age of the oldest hot reading that is unusual: three times the default of `--seal-after-seconds`. */
export const HOT_AGE_S_MAX = 1_800;
/** Free space below which the disk is nearly full, in bytes. */
export const FREE_BYTES_BAD = 1024 ** 3;
/** Share of the size of the database that should be free, for its log and for new readings. */
export const FREE_SHARE_WARN = 0.1;

/** Returns everything that is not normal, the worst first. `history` ends with the present state. */
export function judge(history: readonly Sample[]): Finding[] {
  const state = history.at(-1)?.state;
  if (!state) return [];
  const increase = (pick: Pick) => increaseOf(history, pick);
  const findings = [
    serverErrors(increase((state) => state.requests.server_errors_total)),
    disk(state),
    waiting(state),
    hotReadings(state),
    sealingFailures(increase((state) => state.sealing.failures_total)),
    refusals(increase((state) => state.requests.refused_total)),
    conflicts(increase((state) => state.readings.conflicting_total)),
    rejections(increase((state) => state.readings.rejected_total)),
  ].filter((finding) => finding !== null);
  return findings.sort((a, b) => Number(b.level === 'bad') - Number(a.level === 'bad'));
}

/** Returns the judgement in one sentence. */
export function verdictOf(findings: readonly Finding[]): string {
  const bad = findings.filter((finding) => finding.level === 'bad').length;
  if (bad > 0)
    return bad === 1 ? 'The service needs attention.' : `The service needs attention for ${bad} reasons.`;
  if (findings.length > 0) return 'The service works, but something is unusual.';
  return 'The service works normally.';
}

function serverErrors(count: number): Finding | null {
  if (count === 0) return null;
  return {
    level: 'bad',
    text: `${things(count, 'request')} failed in the last minutes because of the service (status 5xx except 503).`,
    remedy: 'The log of the service names the cause of each, with the id of the request.',
  };
}

function disk({ disk: { free_bytes, database_bytes } }: ServiceState): Finding | null {
  if (free_bytes == null) return null;
  const remedy =
    'Free space on the disk of the database, or move it to a larger one. If the disk is full, new readings are refused; stored readings stay.';
  if (free_bytes < FREE_BYTES_BAD) {
    return { level: 'bad', text: `The disk is nearly full: ${bytesText(free_bytes)} are free.`, remedy };
  }
  if (free_bytes >= (database_bytes ?? 0) * FREE_SHARE_WARN) return null;
  return {
    level: 'warn',
    text: `Only ${bytesText(free_bytes)} of the disk are free, for a database of ${bytesText(database_bytes ?? 0)}.`,
    remedy,
  };
}

function waiting({ queue }: ServiceState): Finding | null {
  const isFull = queue.readings > QUEUE_READINGS_MAX * 0.8;
  if (queue.wait_s < WAIT_S_MAX && !isFull) return null;
  return {
    level: isFull ? 'bad' : 'warn',
    text: `Readings wait ${waitText(queue.wait_s)} until they are stored; ${countText(queue.readings)} are waiting.`,
    remedy:
      'The disk is slow, or clients send more than it can store. From 50 ms on, the service refuses some requests, and clients try again. Send larger batches, use a faster disk, or add a node over PostgreSQL.',
  };
}

function hotReadings({ readings, sealing }: ServiceState): Finding | null {
  const remedy =
    'The service seals them in the background. If the number keeps growing, look for failures of sealing in the log of the service, give it more cores, or send less.';
  if (readings.hot > HOT_READINGS_MAX / 2) {
    return {
      level: 'bad',
      text: `${countText(readings.hot)} readings wait to be sealed. At ${countText(HOT_READINGS_MAX)} (the default), new readings are refused.`,
      remedy,
    };
  }
  if (readings.hot > HOT_READINGS_USUAL) {
    return { level: 'warn', text: `${countText(readings.hot)} readings wait to be sealed.`, remedy };
  }
  if ((sealing.oldest_hot_s ?? 0) < HOT_AGE_S_MAX) return null;
  return {
    level: 'warn',
    text: `The oldest hot reading has waited ${spanText(Math.round(sealing.oldest_hot_s ?? 0) * 1e6)} to be sealed.`,
    remedy: 'This is normal only if --seal-after-seconds is longer than its default of 10 minutes.',
  };
}

function sealingFailures(count: number): Finding | null {
  if (count === 0) return null;
  return {
    level: 'bad',
    text: `Sealing has failed ${times(count)} in the last minutes. No reading is lost, but hot readings accumulate.`,
    remedy: 'The log of the service names the device and the cause. The service tries again every 5 seconds.',
  };
}

function refusals(count: number): Finding | null {
  if (count === 0) return null;
  return {
    level: 'warn',
    text: `${things(count, 'request')} ${wereFor(count)} refused in the last minutes (status 429 or 503): too many arrived at once, a client exceeded its rate, or the database did not answer.`,
    remedy:
      'Clients that try again lose nothing. Send larger batches and fewer queries. If the database does not answer, the log of the service says so.',
  };
}

function conflicts(count: number): Finding | null {
  if (count === 0) return null;
  return {
    level: 'warn',
    text: `${things(count, 'reading')} arrived in the last minutes for a time that is stored already, but with other values. The first values stay.`,
    remedy: 'Look for two senders with the same device id, or for a device whose clock stands still.',
  };
}

function rejections(count: number): Finding | null {
  if (count === 0) return null;
  return {
    level: 'warn',
    text: `${things(count, 'reading')} ${wereFor(count)} rejected in the last minutes because of faults.`,
    remedy: 'The responses tell the clients the row and the fault. Correct the clients that send them.',
  };
}

function things(count: number, thing: string): string {
  return `${countText(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function wereFor(count: number): string {
  return count === 1 ? 'was' : 'were';
}

function times(count: number): string {
  return count === 1 ? 'once' : `${countText(count)} times`;
}
