import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { AuditRange } from '../access/conditions';
import type { Range } from '../time/range';
import { fromAddress, toAddress } from './address';
import { AXES, DEVICE_TABS, START, STATES, type View } from './view';

const auditRange: fc.Arbitrary<AuditRange> = fc.oneof(
  fc.constant<AuditRange>({ kind: 'all' }),
  fc.integer({ min: 1, max: 1e8 }).map((seconds): AuditRange => ({ kind: 'last', seconds })),
  fc
    .tuple(fc.integer({ min: 0, max: 4e15 }), fc.integer({ min: 1, max: 1e15 }))
    .map(([fromUs, length]): AuditRange => ({ kind: 'between', fromUs, untilUs: fromUs + length })),
);
const range: fc.Arbitrary<Range> = fc.oneof(
  auditRange,
  fc
    .tuple(fc.constantFrom('day', 'week', 'month', 'year'), fc.constantFrom(0, -1))
    .map(([unit, offset]): Range => ({ kind: 'calendar', unit, offset })),
);
const text = fc.string({ minLength: 1, unit: 'grapheme' });
const zone = fc.constantFrom(null, 'UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia');
const axes = fc.subarray([...AXES], { minLength: 1 });
const shown = {
  range,
  zone,
  axes,
  percentiles: fc.uniqueArray(fc.double({ min: 0, max: 100, noNaN: true }), { maxLength: 20 }),
};

function sorted<T extends { percentiles: number[] }>(view: T): T {
  // -0 and 0 are one percentile.
  return { ...view, percentiles: [...new Set(view.percentiles.map((p) => p + 0))].sort((a, b) => a - b) };
}

const view: fc.Arbitrary<View> = fc.oneof(
  fc
    .record({
      search: fc.string(),
      state: fc.constantFrom(null, ...STATES),
      userId: fc.option(fc.nat()),
      zone,
    })
    .map((part) => ({ ...START, ...part })),
  fc
    .record({ ...shown, deviceId: text, tab: fc.constantFrom(...DEVICE_TABS) })
    .map((part) => ({ ...START, page: 'device' as const, ...sorted(part) })),
  fc
    .record({ ...shown, userId: fc.nat(), compareWith: fc.option(range) })
    .map((part) => ({ ...START, page: 'user' as const, ...sorted(part) })),
  fc
    .record({
      range: auditRange,
      deviceId: fc.option(text),
      userId: fc.option(fc.integer({ min: 1, max: 1e9 })),
    })
    .map((part) => ({ ...START, page: 'audit' as const, audit: { ...START.audit, ...part } })),
  fc
    .constantFrom('import', 'tokens', 'audit', 'service')
    .map((page) => ({ ...START, page: page as View['page'] })),
);

describe('the address', () => {
  it('holds the whole view', () => {
    fc.assert(
      fc.property(view, (view) => {
        expect(fromAddress(toAddress(view).slice(1))).toEqual(view);
      }),
    );
  });

  it('is short and readable', () => {
    expect(toAddress(START)).toBe('/');
    const view: View = {
      ...START,
      page: 'device',
      deviceId: 'hall 3/pump',
      axes: ['x', 'magnitude'],
      zone: 'Europe/Berlin',
    };
    expect(toAddress(view)).toMatch(/^\/\?device=hall\+3\/pump&.*axes=x,magnitude&zone=Europe\/Berlin$/);
  });

  it('shows a valid view whatever a person types', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.constantFrom(
            'page',
            'device',
            'user',
            'last',
            'during',
            'from',
            'until',
            'axes',
            'path',
            'zone',
            'percentiles',
            'tab',
          ),
          fc.string(),
        ),
        (parts) => {
          const view = fromAddress(`?${new URLSearchParams(parts)}`);
          expect(view.axes.length).toBeGreaterThan(0);
          expect(view.pathAxes[0]).not.toBe(view.pathAxes[1]);
          expect(view.percentiles.length).toBeLessThanOrEqual(20);
          if (view.page === 'device') expect(view.deviceId).not.toBeNull();
        },
      ),
    );
  });
});
