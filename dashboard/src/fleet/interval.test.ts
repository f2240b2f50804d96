import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fromInput, INTERVAL_S_MAX, toInput } from './interval';

describe('the expected interval', () => {
  it('is the same after it was shown and saved', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: INTERVAL_S_MAX }), (seconds) => {
        expect(fromInput(toInput(seconds))).toEqual({ seconds });
      }),
    );
    expect(fromInput(toInput(null))).toEqual({ seconds: null });
  });

  it('is shown in the largest whole unit', () => {
    expect(toInput(7_200)).toEqual({ number: '2', unitSeconds: 3_600 });
    expect(toInput(90)).toEqual({ number: '90', unitSeconds: 1 });
  });

  it('is more than nothing and at most 31 days', () => {
    for (const number of ['0', '-1', 'soon', 'Infinity']) {
      expect(fromInput({ number, unitSeconds: 60 })).toHaveProperty('fault');
    }
    expect(fromInput({ number: '32', unitSeconds: 86_400 })).toEqual({ fault: 'Enter at most 31 days.' });
    expect(fromInput({ number: '0,5', unitSeconds: 60 })).toEqual({ seconds: 30 });
  });
});
