import { describe, expect, it } from 'vitest';

import type { Samples } from './samples';
import { legendText, sampleText, summaryText } from './summary';

const START_US = Date.UTC(2026, 10, 23, 10) * 1000;
const buckets: Samples = {
  kind: 'buckets',
  startsUs: [0, 60e6, 120e6].map((us) => START_US + us),
  endsUs: [60e6, 120e6, 180e6].map((us) => START_US + us),
  counts: [1200, 0, 1],
  axes: {
    x: { low: [-1.5, null, 7], mid: [0.1, null, 7], high: [2.5, null, 7] },
    y: { low: [0, null, 0], mid: [0, null, 0], high: [0, null, 0] },
  },
};

describe('the summary of a plot', () => {
  it('has the number of readings and the extremes of the shown window', () => {
    const whole = summaryText(buckets, { fromUs: START_US, untilUs: START_US + 180e6 }, ['x', 'y'], 'UTC');
    expect(whole).toContain('1,201 readings');
    expect(whole).toContain('2026');
    expect(whole).toContain('x from -1.5 to 7; y from 0 to 0.');
    const part = summaryText(
      buckets,
      { fromUs: START_US, untilUs: START_US + 60e6 },
      ['x', 'magnitude'],
      'UTC',
    );
    expect(part).toContain('x from -1.5 to 2.5.');
  });

  it('says that there are no readings', () => {
    expect(
      summaryText(buckets, { fromUs: START_US + 60e6, untilUs: START_US + 120e6 }, ['x'], 'UTC'),
    ).toMatch(/^No readings, /);
  });
});

describe('the legend', () => {
  it('says what is drawn', () => {
    expect(legendText(buckets)).toBe('Minimum, median and maximum of each 1 min');
    expect(legendText({ ...buckets, kind: 'readings' })).toContain('reading');
    expect(legendText({ ...buckets, startsUs: [], endsUs: [] })).toBe('');
  });
});

describe('a sample in words', () => {
  it('has all digits', () => {
    expect(sampleText(buckets, 0, ['x'], 'UTC')).toMatch(
      /: 1,200 readings: x minimum -1.5, median 0.1, maximum 2.5$/,
    );
    expect(sampleText(buckets, 2, ['x', 'y'], 'UTC')).toMatch(/: 1 reading: x 7; y 0$/);
    const timesUs = [START_US + 250_000];
    const x = { low: [1 / 3], mid: [1 / 3], high: [1 / 3] };
    const reading: Samples = {
      kind: 'readings',
      startsUs: timesUs,
      endsUs: timesUs,
      counts: [1],
      axes: { x },
    };
    expect(sampleText(reading, 0, ['x'], 'UTC')).toMatch(/00\.250.*: x 0.3333333333333333$/);
  });
});
