import { describe, expect, it } from 'vitest';

import { parseRfc3339 } from '../time/moment';
import { EXPIRIES, expiryOf, usualExpiry } from './expiry';

const NOW = parseRfc3339('2026-11-23T10:00:00.25Z')!;

describe('the expiry of a token', () => {
  it('is a number of days after now', () => {
    expect(expiryOf({ choice: '90', local: '' }, 'UTC', NOW)).toEqual({
      expiresAt: '2027-02-21T10:00:00.25Z',
    });
    expect(expiryOf({ choice: 'never', local: '' }, 'UTC', NOW)).toEqual({ expiresAt: null });
  });

  it('is a time of the zone of the view', () => {
    const input = { choice: 'moment', local: '2026-11-24T08:30' } as const;
    expect(expiryOf(input, 'Asia/Tokyo', NOW)).toEqual({ expiresAt: '2026-11-23T23:30:00Z' });
    expect(expiryOf(input, 'UTC', NOW)).toEqual({ expiresAt: '2026-11-24T08:30:00Z' });
  });

  it('is never in the past, and is complete', () => {
    for (const { choice } of EXPIRIES) {
      if (choice === 'moment') continue;
      const { expiresAt } = expiryOf({ choice, local: '' }, 'UTC', NOW) as { expiresAt: string | null };
      if (expiresAt !== null) expect(parseRfc3339(expiresAt)).toBeGreaterThan(NOW);
    }
    expect(expiryOf({ choice: 'moment', local: '' }, 'UTC', NOW)).toHaveProperty('fault');
    expect(expiryOf({ choice: 'moment', local: '2026-11-23T10:00' }, 'UTC', NOW)).toHaveProperty('fault');
  });

  it('ends the access of people by default', () => {
    expect(usualExpiry('user')).toBe('90');
    expect(usualExpiry('admin')).toBe('90');
    expect(usualExpiry('device')).toBe('never');
  });
});
