import { describe, expect, it } from 'vitest';

import { factsOf } from './facts';
import type { Sample } from './history';
import { curveOfMetric, METRICS, textOfMetric } from './metrics';
import { healthyState } from './sample_state';

describe('the facts', () => {
  const facts = new Map(
    factsOf(healthyState(), 'UTC').flatMap(({ facts }) => facts.map(({ name, text }) => [name, text])),
  );

  it('are in words', () => {
    expect(facts.get('Database')).toBe('SQLite 3.53.0');
    expect(facts.get('Running for')).toBe('1 hr');
    expect(facts.get('Bytes per reading')).toBe('10.4');
    expect(facts.get('Cache')).toBe('85.8 MiB of 512 MiB');
  });

  it('say what is not known', () => {
    const state = healthyState((state) => {
      state.disk.free_bytes = null;
      state.memory.resident_bytes = null;
      state.segments.bytes_per_reading = null;
      state.sealing.oldest_hot_s = null;
    });
    const text = JSON.stringify(factsOf(state, null));
    expect(text).not.toMatch(/null|NaN|undefined/);
    expect(text.match(/not known/g)).toHaveLength(2);
  });
});

describe('the metrics', () => {
  it('have a text for each value, also while it is unknown', () => {
    const before: Sample = { atUs: 0, state: healthyState() };
    const now: Sample = {
      atUs: 2e6,
      state: healthyState((state) => {
        state.requests.server_errors_total = 5;
        state.memory.resident_bytes = null;
      }),
    };
    const texts = new Map(
      METRICS.map((metric) => [metric.title, textOfMetric(metric, curveOfMetric(metric, [before, now]))]),
    );
    expect(texts.get('Readings stored per second')).toBe('121');
    expect(texts.get('Failed requests per second')).toBe('2.5');
    expect(texts.get('Memory of the process')).toBe('–');
    expect(texts.get('Wait in the queue')).toBe('1 ms');
  });
});
