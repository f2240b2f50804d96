import { beforeEach, expect, it, vi } from 'vitest';

import type { FromTab } from './messages';
import { TabSubscriptions } from './tab';

let sent: FromTab[];
let tab: TabSubscriptions;
beforeEach(() => {
  sent = [];
  tab = new TabSubscriptions(
    (message) => sent.push(message),
    () => true,
  );
});

const reading = { deviceId: 'pump', timeUs: 1, x: 1, y: 2, z: 3 };

it('shares one subscription between the parts of a page', () => {
  const [first, second] = [0, 1].map(() => ({ onReadings: vi.fn(), onState: vi.fn() }));
  const endFirst = tab.subscribe('/a', first!);
  tab.receive({ kind: 'state', address: '/a', state: 'live', status: null });
  const endSecond = tab.subscribe('/a', second!);
  expect(sent).toEqual([{ kind: 'subscribe', address: '/a', isHidden: true }]);
  expect([first!.onState.mock.calls, second!.onState.mock.calls]).toEqual([
    [
      ['connecting', null],
      ['live', null],
    ],
    [['live', null]],
  ]);
  tab.receive({ kind: 'readings', address: '/a', readings: [reading] });
  expect(first!.onReadings).toHaveBeenCalledWith([reading]);
  expect(second!.onReadings).toHaveBeenCalledWith([reading]);
  expect(sent.at(-1)).toEqual({ kind: 'taken', address: '/a' });
  endFirst();
  endFirst();
  expect(sent).toHaveLength(2);
  endSecond();
  expect(sent.at(-1)).toEqual({ kind: 'unsubscribe', address: '/a' });
  expect(tab.isUsed).toBe(false);
});

it('takes the readings even if a part of the page fails, or has just ended its subscription', () => {
  const end = tab.subscribe('/a', {
    onReadings: () => {
      throw new Error('a fault of a part');
    },
    onState: vi.fn(),
  });
  expect(() => tab.receive({ kind: 'readings', address: '/a', readings: [reading] })).toThrow();
  expect(sent.at(-1)).toEqual({ kind: 'taken', address: '/a' });
  end();
  tab.receive({ kind: 'readings', address: '/a', readings: [reading] });
  expect(sent.at(-1)).toEqual({ kind: 'taken', address: '/a' });
});

it('answers questions, and subscribes again if it was forgotten', () => {
  tab.subscribe('/a', { onReadings: vi.fn(), onState: vi.fn() });
  tab.subscribe('/b', { onReadings: vi.fn(), onState: vi.fn() });
  sent.length = 0;
  tab.receive({ kind: 'ping' });
  tab.receive({ kind: 'dropped' });
  expect(sent).toEqual([
    { kind: 'alive' },
    { kind: 'subscribe', address: '/a', isHidden: true },
    { kind: 'subscribe', address: '/b', isHidden: true },
  ]);
});

it('starts an ended stream again for a new listener', () => {
  tab.subscribe('/a', { onReadings: vi.fn(), onState: vi.fn() });
  tab.receive({ kind: 'state', address: '/a', state: 'ended', status: 401 });
  const onState = vi.fn();
  tab.subscribe('/a', { onReadings: vi.fn(), onState });
  expect(onState).toHaveBeenCalledWith('ended', 401);
  expect(sent.filter(({ kind }) => kind === 'subscribe')).toHaveLength(2);
});
