import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { fromMomentInput, toMomentInput } from './moment_input';

const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns', 'Pacific/Apia');

describe('the value of an input', () => {
  it('gives the moment back, down to the millisecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2e15, max: 4e15 }), zone, (us, zone) => {
        const text = toMomentInput(us, zone);
        const moments = (['earlier', 'later'] as const).map((fold) => fromMomentInput(text, zone, fold));
        expect(moments).toContain(Math.floor(us / 1000) * 1000);
      }),
    );
  });

  it('is the time that clocks of the zone show', () => {
    const us = Date.UTC(2026, 6, 1, 12, 30, 15, 250) * 1000 + 499;
    expect(toMomentInput(us, 'Europe/Berlin')).toBe('2026-07-01T14:30:15.250');
    expect(toMomentInput(us, 'Asia/Kolkata')).toBe('2026-07-01T18:00:15.250');
  });

  it('may leave out seconds and their fraction, as browsers do', () => {
    const us = Date.UTC(2026, 6, 1, 12, 30) * 1000;
    expect(fromMomentInput('2026-07-01T12:30', 'UTC', 'earlier')).toBe(us);
    expect(fromMomentInput('2026-07-01T12:30:00.5', 'UTC', 'earlier')).toBe(us + 500_000);
    for (const text of ['', '2026-07-01', 'now']) expect(fromMomentInput(text, 'UTC', 'earlier')).toBeNull();
  });
});
