/** Pointers on a plot: hovering, dragging over a span, a double click, and the wheel with Ctrl. */

/** Distance from which a press is a drag, in pixels. */
const DRAG_MIN_PX = 5;
/** Turn of the wheel that zooms by the factor 2, in pixels. */
const WHEEL_PX = 240;

/** All positions are pixels from the left edge of the element. */
export interface Listener {
  onhover: (atPx: number | null) => void;
  /** A span is being dragged; `null` if the drag is given up. */
  ondrag: (span: Span | null) => void;
  /** A drag has ended. */
  ondrop: (span: Span) => void;
  ondouble: () => void;
  onwheel: (atPx: number, factor: number) => void;
}

export interface Span {
  fromPx: number;
  untilPx: number;
  /** Whether Shift was held at its start. */
  isShifted: boolean;
}

/** Listens to the pointers of an element. Returns the function that ends this. */
export function listen(element: HTMLElement, listener: () => Listener): () => void {
  let start: { atPx: number; isShifted: boolean; pointerId: number } | null = null;
  let isDragging = false;
  const place = (event: MouseEvent) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(Math.max(event.clientX - left, 0), width);
  };
  const span = (atPx: number, { atPx: startPx, isShifted }: { atPx: number; isShifted: boolean }): Span => ({
    fromPx: Math.min(startPx, atPx),
    untilPx: Math.max(startPx, atPx),
    isShifted,
  });
  const giveUp = () => {
    if (isDragging) listener().ondrag(null);
    [start, isDragging] = [null, false];
  };
  const on: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void } = {
    pointerdown(event) {
      if (event.button !== 0 || !event.isPrimary) return;
      start = { atPx: place(event), isShifted: event.shiftKey, pointerId: event.pointerId };
      listener().onhover(start.atPx);
    },
    pointermove(event) {
      if (!event.isPrimary) return;
      const atPx = place(event);
      listener().onhover(atPx);
      if (!start) return;
      if (!isDragging && Math.abs(atPx - start.atPx) >= DRAG_MIN_PX) {
        isDragging = true;
        // The drag continues when the pointer leaves the element.
        element.setPointerCapture(start.pointerId);
      }
      if (isDragging) listener().ondrag(span(atPx, start));
    },
    pointerup(event) {
      const dropped = start && isDragging ? span(place(event), start) : null;
      giveUp();
      if (dropped) listener().ondrop(dropped);
    },
    pointercancel: giveUp,
    pointerleave(event) {
      if (event.pointerType === 'mouse' && !isDragging) listener().onhover(null);
    },
    keydown(event) {
      if (event.key !== 'Escape' || !isDragging) return;
      event.stopImmediatePropagation();
      giveUp();
    },
    dblclick: () => listener().ondouble(),
    wheel(event) {
      if (!event.ctrlKey && !event.metaKey) return;
      // Otherwise the browser zooms the page.
      event.preventDefault();
      listener().onwheel(place(event), 2 ** (event.deltaY / WHEEL_PX));
    },
  };
  const entries = Object.entries(on) as [keyof HTMLElementEventMap, EventListener][];
  for (const [name, react] of entries) element.addEventListener(name, react, { passive: false });
  return () => {
    for (const [name, react] of entries) element.removeEventListener(name, react);
  };
}
