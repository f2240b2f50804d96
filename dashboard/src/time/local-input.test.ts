import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { inputOfMoment, momentOfInput } from './local-input';
import { MINUTE_US, parseRfc3339 } from './moment';
import { offsetUs } from './zone';

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

describe('the value of an input of a moment', () => {
  it('gives the same minute again, except where clocks are set back', () => {
    const minute = fc.integer({ min: 0, max: 60 * 24 * 365 * 80 }).map((minutes) => minutes * MINUTE_US);
    fc.assert(
      fc.property(minute, fc.constantFrom(...ZONES), (us, zone) => {
        const again = momentOfInput(inputOfMoment(us, zone), zone);
        if (again !== us) {
          expect(inputOfMoment(again!, zone)).toBe(inputOfMoment(us, zone));
          expect(offsetUs(again!, zone)).not.toBe(offsetUs(us, zone));
        }
      }),
    );
  });

  it('is the time of the zone', () => {
    expect(momentOfInput('2026-07-01T12:00', 'Europe/Berlin')).toBe(parseRfc3339('2026-07-01T10:00:00Z'));
    expect(momentOfInput('2026-07-01T12:00:30', 'UTC')).toBe(parseRfc3339('2026-07-01T12:00:30Z'));
    expect(inputOfMoment(parseRfc3339('2026-01-01T00:00:00Z')!, 'America/New_York')).toBe('2025-12-31T19:00');
  });

  it.each(['', '2026', '2026-02-30T00:00', '2026-01-01T24:00', '0000-01-01T00:00', '2026-01-01'])(
    'is not complete: %j',
    (value) => expect(momentOfInput(value, 'UTC')).toBeNull(),
  );
});
