/** The state of the service as a list of facts, in groups. */
import { countText } from '../shared/numbers';
import { momentOfApi, wholeSecond } from '../time/moment';
import { momentText, spanText } from '../time/text';
import type { ServiceState } from './history';
import { bytesText } from './units';

export interface FactGroup {
  title: string;
  facts: { name: string; text: string }[];
}

const STORE_TEXTS: Record<string, string> = { sqlite: 'SQLite', postgresql: 'PostgreSQL' };
const UNKNOWN = 'not known';

/** Returns the facts. Times are in a zone; `null` is the viewer's zone. */
export function factsOf(state: ServiceState, zone: string | null): FactGroup[] {
  const { readings, segments, sealing, requests, queries, memory, disk } = state;
  return [
    group('Service', [
      ['Version', state.version],
      ['Started', momentText(wholeSecond(momentOfApi(state.started_at)), zone)],
      ['Running for', spanText(Math.round(state.uptime_s) * 1e6)],
      ['Database', `${STORE_TEXTS[state.store] ?? state.store} ${state.store_version}`],
      ['Access', state.auth === 'open' ? 'open for everybody' : 'with tokens'],
    ]),
    group('Stored', [
      ['Sealed readings', countText(readings.sealed)],
      ['Hot readings', countText(readings.hot)],
      ['Segments', countText(segments.count)],
      ['Size of the segments', bytesText(segments.bytes)],
      [
        'Bytes per reading',
        segments.bytes_per_reading == null ? 'nothing is sealed yet' : decimal(segments.bytes_per_reading),
      ],
      ['Size of the database', known(disk.database_bytes, bytesText)],
      ['Free on its disk', known(disk.free_bytes, bytesText)],
    ]),
    group('Readings since the start', [
      ['Stored', countText(readings.accepted_total)],
      ['Already stored', countText(readings.repeated_total)],
      ['Already stored, with other values', countText(readings.conflicting_total)],
      ['Rejected as not valid', countText(readings.rejected_total)],
    ]),
    group('Sealing since the start', [
      ['Waiting', countText(sealing.backlog_readings)],
      [
        'Oldest hot reading',
        sealing.oldest_hot_s == null ? 'none' : spanText(Math.round(sealing.oldest_hot_s) * 1e6),
      ],
      ['Sealed readings', countText(sealing.sealed_total)],
      ['Merged segments', countText(sealing.merged_total)],
      ['Failures', countText(sealing.failures_total)],
    ]),
    group('Requests since the start', [
      ['In progress', countText(requests.in_progress)],
      ['Queries running', countText(queries.running)],
      ['Live streams', countText(state.live_streams)],
      ['Refused', countText(requests.refused_total)],
      ['Of these, queries', countText(queries.refused_total)],
      ['Faults of clients (4xx except 429)', countText(requests.client_errors_total)],
      ['Faults of the service (5xx except 503)', countText(requests.server_errors_total)],
    ]),
    group('Memory', [
      ['Process', known(memory.resident_bytes, bytesText)],
      ['Cache', `${bytesText(memory.cache_bytes)} of ${bytesText(memory.cache_bytes_max)}`],
    ]),
  ];
}

function group(title: string, facts: [name: string, text: string][]): FactGroup {
  return { title, facts: facts.map(([name, text]) => ({ name, text })) };
}

function known(value: number | null | undefined, text: (value: number) => string): string {
  return value == null ? UNKNOWN : text(value);
}

function decimal(value: number): string {
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(value);
}
