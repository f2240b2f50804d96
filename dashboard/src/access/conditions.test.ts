import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  ACTIONS,
  ANY,
  conditionsFromQuery,
  conditionsToQuery,
  conditionsToRequest,
  idOf,
  type AuditRange,
} from './conditions';

const id = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const conditions = fc.record({
  action: fc.constantFrom(null, ...ACTIONS),
  userId: id,
  deviceId: fc.option(fc.string({ minLength: 1, unit: 'grapheme' })),
  tokenId: id,
  range: fc.oneof(
    fc.constant<AuditRange>({ kind: 'all' }),
    fc.integer({ min: 1, max: 1e8 }).map((seconds): AuditRange => ({ kind: 'last', seconds })),
    fc.nat(2e9).map((s): AuditRange => ({ kind: 'between', fromUs: s * 1e6, untilUs: (s + 60) * 1e6 })),
  ),
});

describe('the conditions on the audit log', () => {
  it('are the same after they were in an address', () => {
    fc.assert(
      fc.property(conditions, (conditions) => {
        const query = new URLSearchParams(conditionsToQuery(conditions));
        expect(conditionsFromQuery(query)).toEqual(conditions);
      }),
    );
    expect(conditionsToQuery(ANY)).toEqual({});
  });

  it('are valid whatever a person types into the address', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('action', 'user', 'token', 'last'), fc.string()), (parts) => {
        const { userId, tokenId } = conditionsFromQuery(new URLSearchParams(parts));
        for (const one of [userId, tokenId]) if (one !== null) expect(one).toBeGreaterThan(0);
      }),
    );
    expect([idOf(''), idOf(' '), idOf('0'), idOf('-1'), idOf('1.5'), idOf('ada'), idOf(null)]).toEqual(
      Array(7).fill(null),
    );
    expect(idOf(' 12 ')).toBe(12);
  });

  it('become the parameters of a request', () => {
    expect(conditionsToRequest(ANY, 0)).toEqual({});
    const now = Date.UTC(2026, 10, 23, 10) * 1000;
    const some = { ...ANY, action: 'delete_device', deviceId: 'pump' } as const;
    expect(conditionsToRequest({ ...some, range: { kind: 'last', seconds: 3600 } }, now)).toEqual({
      action: 'delete_device',
      device_id: 'pump',
      start_time: '2026-11-23T09:00:00.000000Z',
    });
    const range: AuditRange = { kind: 'between', fromUs: now, untilUs: now + 1 };
    expect(conditionsToRequest({ ...ANY, userId: 1, tokenId: 2, range }, now)).toEqual({
      user_id: 1,
      token_id: 2,
      start_time: '2026-11-23T10:00:00.000000Z',
      until: '2026-11-23T10:00:00.000001Z',
    });
  });
});
