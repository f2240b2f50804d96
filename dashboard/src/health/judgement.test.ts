import { describe, expect, it } from 'vitest';

import type { Sample, ServiceState } from './history';
import { FREE_BYTES_BAD, HOT_READINGS_MAX, judge, QUEUE_READINGS_MAX, verdictOf } from './judgement';
import { healthyState } from './sample_state';

type Change = (state: ServiceState) => void;

/** A history in which a change has happened between two samples. */
function after(change: Change, before: Change = () => undefined): Sample[] {
  return [
    { atUs: 0, state: healthyState(before) },
    { atUs: 2e6, state: healthyState(change) },
  ];
}

const CASES: [name: string, level: 'bad' | 'warn', text: RegExp, change: Change][] = [
  ['errors', 'bad', /3 requests failed/, (state) => (state.requests.server_errors_total = 3)],
  ['a full disk', 'bad', /nearly full/, (state) => (state.disk.free_bytes = FREE_BYTES_BAD - 1)],
  [
    'little space',
    'warn',
    /Only 1\.86 GiB/,
    (state) => {
      state.disk = { free_bytes: 2e9, database_bytes: 100e9 };
    },
  ],
  ['a slow disk', 'warn', /wait 70 ms/, (state) => (state.queue.wait_s = 0.07)],
  ['a full queue', 'bad', /are waiting/, (state) => (state.queue.readings = QUEUE_READINGS_MAX)],
  ['slow sealing', 'warn', /wait to be sealed/, (state) => (state.readings.hot = 2_000_000)],
  ['no sealing', 'bad', /new readings are refused/, (state) => (state.readings.hot = HOT_READINGS_MAX - 1)],
  ['old hot readings', 'warn', /has waited 1 hr/, (state) => (state.sealing.oldest_hot_s = 3_600)],
  [
    'a failure of sealing',
    'bad',
    /failed once in the last minutes/,
    (state) => (state.sealing.failures_total = 1),
  ],
  [
    'refused requests',
    'warn',
    /7 requests were refused/,
    (state) => {
      state.requests.refused_total = 7;
    },
  ],
  ['conflicts', 'warn', /other values/, (state) => (state.readings.conflicting_total = 1)],
  [
    'invalid readings',
    'warn',
    /rejected .* because of faults/,
    (state) => (state.readings.rejected_total = 1),
  ],
];

describe('the judgement', () => {
  it('is silent about a healthy service, an unknown disk and an unknown history', () => {
    expect(judge(after(() => undefined))).toEqual([]);
    expect(judge(after((state) => (state.disk.free_bytes = null)))).toEqual([]);
    expect(judge([])).toEqual([]);
    expect(verdictOf([])).toBe('The service works normally.');
  });

  it.each(CASES)('names %s', (_, level, text, change) => {
    const findings = judge(after(change));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ level, text: expect.stringMatching(text) });
    expect(findings[0]!.remedy.length).toBeGreaterThan(20);
  });

  it('does not complain about failures before the history', () => {
    const failed: Change = (state) => {
      state.sealing.failures_total = 2;
      state.requests.server_errors_total = 9;
    };
    expect(judge(after(failed, failed))).toEqual([]);
  });

  it('begins with the worst', () => {
    const everything = judge(after((state) => CASES.forEach(([, , , change]) => change(state))));
    expect(everything.map((finding) => finding.level).join(' ')).toMatch(/^(bad ?)+(warn ?)+$/);
    expect(verdictOf(everything)).toMatch(/^The service needs attention for \d reasons\.$/);
    expect(verdictOf(everything.filter((finding) => finding.level === 'warn'))).toContain('unusual');
  });
});
