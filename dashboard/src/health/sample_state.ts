/** A healthy state of the service, for tests. */
import type { ServiceState } from './history';

export function healthyState(change: (state: ServiceState) => void = () => undefined): ServiceState {
  const state: ServiceState = {
    version: '0.1.0',
    started_at: '2026-11-23T09:00:00Z',
    uptime_s: 3_600.5,
    store: 'sqlite',
    store_version: '3.53.0',
    auth: 'open',
    readings: {
      hot: 1_200,
      sealed: 100_000_000,
      accepted_total: 500_000,
      repeated_total: 0,
      conflicting_total: 0,
      rejected_total: 0,
      accepted_per_second: 120.5,
    },
    segments: { count: 812, bytes: 1_040_000_000, bytes_per_reading: 10.4 },
    sealing: {
      backlog_readings: 0,
      oldest_hot_s: 12.5,
      sealed_total: 4_096,
      merged_total: 0,
      failures_total: 0,
    },
    requests: {
      in_progress: 3,
      per_second: 130.2,
      refused_total: 0,
      client_errors_total: 0,
      server_errors_total: 0,
    },
    queries: { running: 1, refused_total: 0 },
    queue: { readings: 0, wait_s: 0.001 },
    live_streams: 2,
    memory: { resident_bytes: 200_000_000, cache_bytes: 90_000_000, cache_bytes_max: 536_870_912 },
    disk: { database_bytes: 1_100_000_000, free_bytes: 80_000_000_000 },
  };
  change(state);
  return state;
}
