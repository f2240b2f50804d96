import { describe, expect, it } from 'vitest';

import { keyAction } from './keys';

const NONE = { shiftKey: false, ctrlKey: false, altKey: false, metaKey: false };

describe('the keys of a plot', () => {
  it('move, zoom and go back', () => {
    expect(keyAction({ ...NONE, key: 'ArrowRight' })).toEqual({ kind: 'step', step: 1 });
    expect(keyAction({ ...NONE, key: 'ArrowLeft', shiftKey: true })).toEqual({ kind: 'pan', part: -0.25 });
    expect(keyAction({ ...NONE, key: 'Home' })).toEqual({ kind: 'end', step: 1 });
    expect(keyAction({ ...NONE, key: 'Escape' })).toEqual({ kind: 'back' });
    // On some keyboards, plus needs Shift.
    for (const shiftKey of [true, false]) {
      expect(keyAction({ ...NONE, key: '+', shiftKey })).toEqual({ kind: 'zoom', factor: 0.5 });
    }
  });

  it('leave the keys of the browser alone', () => {
    for (const other of ['ctrlKey', 'altKey', 'metaKey']) {
      expect(keyAction({ ...NONE, key: '+', [other]: true })).toBeNull();
      expect(keyAction({ ...NONE, key: 'ArrowLeft', [other]: true })).toBeNull();
    }
    for (const key of ['Tab', 'a', 'ArrowUp', 'PageDown']) expect(keyAction({ ...NONE, key })).toBeNull();
  });
});
