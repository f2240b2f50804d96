/** The keys of a plot. */

/** An action on the plot that a key stands for. */
export type KeyAction =
  | { kind: 'step'; step: 1 | -1 }
  | { kind: 'end'; step: 1 | -1 }
  | { kind: 'zoom'; factor: number }
  | { kind: 'pan'; part: number }
  | { kind: 'back' };

const ZOOM_FACTOR = 2;
const PAN_PART = 0.25;

/** The keys, for people. */
export const KEYS_TEXT =
  'Arrow keys move the cursor, Home and End move it to the ends. Plus and minus zoom. Shift with arrow keys moves the window. Escape goes back.';

/** Returns the action of a key; `null` for keys that are not of the plot. */
export function keyAction({
  key,
  shiftKey,
  ctrlKey,
  altKey,
  metaKey,
}: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'altKey' | 'metaKey'>): KeyAction | null {
  if (ctrlKey || altKey || metaKey) return null;
  switch (key) {
    case 'ArrowLeft':
      return shiftKey ? { kind: 'pan', part: -PAN_PART } : { kind: 'step', step: -1 };
    case 'ArrowRight':
      return shiftKey ? { kind: 'pan', part: PAN_PART } : { kind: 'step', step: 1 };
    case 'Home':
      return { kind: 'end', step: 1 };
    case 'End':
      return { kind: 'end', step: -1 };
    case '+':
    case '=':
      return { kind: 'zoom', factor: 1 / ZOOM_FACTOR };
    case '-':
    case '_':
      return { kind: 'zoom', factor: ZOOM_FACTOR };
    case 'Escape':
      return { kind: 'back' };
    default:
      return null;
  }
}
