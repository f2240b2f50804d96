// @vitest-environment jsdom
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { listen, type Listener } from './gestures';

let element: HTMLElement;
let listener: ReturnType<typeof mocks>;

function mocks() {
  return {
    onhover: vi.fn<Listener['onhover']>(),
    ondrag: vi.fn<Listener['ondrag']>(),
    ondrop: vi.fn<Listener['ondrop']>(),
    ondouble: vi.fn<Listener['ondouble']>(),
    onwheel: vi.fn<Listener['onwheel']>(),
  };
}

function send(type: string, clientX: number, more: PointerEventInit = {}) {
  const init = { clientX, button: 0, isPrimary: true, pointerType: 'mouse', bubbles: true, ...more };
  element.dispatchEvent(new PointerEvent(type, init));
}

beforeEach(() => {
  element = document.createElement('div');
  element.getBoundingClientRect = () => ({ left: 100, width: 400 }) as DOMRect;
  element.setPointerCapture = vi.fn();
  listener = mocks();
  listen(element, () => listener);
});

describe('a drag', () => {
  it('reports its span, in both directions and inside the element', () => {
    send('pointerdown', 300);
    send('pointermove', 250);
    expect(listener.ondrag).toHaveBeenLastCalledWith({ fromPx: 150, untilPx: 200, isShifted: false });
    send('pointermove', 50);
    send('pointerup', 50);
    expect(listener.ondrop.mock.calls).toEqual([[{ fromPx: 0, untilPx: 200, isShifted: false }]]);
    expect(listener.ondrag).toHaveBeenLastCalledWith(null);
  });

  it('is none if the pointer hardly moves', () => {
    send('pointerdown', 300);
    send('pointermove', 303);
    send('pointerup', 303);
    expect(listener.ondrag).not.toHaveBeenCalled();
    expect(listener.ondrop).not.toHaveBeenCalled();
  });

  it('selects with Shift, even if it is released before the end', () => {
    send('pointerdown', 200, { shiftKey: true });
    send('pointermove', 300);
    send('pointerup', 300);
    expect(listener.ondrop).toHaveBeenCalledWith({ fromPx: 100, untilPx: 200, isShifted: true });
  });

  it('is given up by Escape, by the browser, and begins only with the main button', () => {
    for (const giveUp of [
      () => element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' })),
      () => send('pointercancel', 300),
    ]) {
      send('pointerdown', 200);
      send('pointermove', 300);
      giveUp();
      send('pointerup', 300);
    }
    send('pointerdown', 200, { button: 2 });
    send('pointermove', 300);
    send('pointerup', 300);
    expect(listener.ondrop).not.toHaveBeenCalled();
    expect(listener.ondrag).toHaveBeenLastCalledWith(null);
  });
});

describe('a pointer', () => {
  it('hovers until it leaves; a finger that is lifted leaves the cursor', () => {
    send('pointermove', 150);
    expect(listener.onhover).toHaveBeenLastCalledWith(50);
    send('pointerleave', 90, { pointerType: 'touch' });
    expect(listener.onhover).toHaveBeenLastCalledWith(50);
    send('pointerleave', 90);
    expect(listener.onhover).toHaveBeenLastCalledWith(null);
  });

  it('zooms with the wheel only with Ctrl, so that the page can be scrolled', () => {
    element.dispatchEvent(new WheelEvent('wheel', { deltaY: 240, clientX: 200 }));
    expect(listener.onwheel).not.toHaveBeenCalled();
    const event = new WheelEvent('wheel', { deltaY: 240, clientX: 200, ctrlKey: true, cancelable: true });
    element.dispatchEvent(event);
    expect(listener.onwheel).toHaveBeenCalledWith(100, 2);
    expect(event.defaultPrevented).toBe(true);
  });
});
