/** The frame of a path: how values become places on the canvas. */

export interface Bounds {
  low: number;
  high: number;
}

export interface Frame {
  /** The shown values of both axes. */
  across: Bounds;
  up: Bounds;
  /** Return the places of values, in pixels from the left and from the top. */
  left: (value: number) => number;
  top: (value: number) => number;
}

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Share of the shown values that stays free at each side. */
const MARGIN = 0.04;
/** Ranges up to this many times as long as each other suit equal scales. */
const COMPARABLE = 4;

/** Returns the smallest and the largest of some values. */
export function boundsOf(values: readonly number[]): Bounds {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : { low: 0, high: 1 };
}

/** Returns whether one scale suits both axes, as for coordinates. */
export function suitsEqualScales(across: Bounds, up: Bounds): boolean {
  const [a, b] = [halfOf(across), halfOf(up)];
  return a > 0 && b > 0 && a <= COMPARABLE * b && b <= COMPARABLE * a;
}

/** Returns the frame that fills a box with values. With equal scales, a unit is equally long in both directions. */
export function frameOf(across: Bounds, up: Bounds, box: Box, isEqual: boolean): Frame {
  let [a, b] = [padded(across), padded(up)];
  if (isEqual) {
    const unit = Math.max(halfOf(a) / box.width, halfOf(b) / box.height);
    [a, b] = [around(a, unit * box.width), around(b, unit * box.height)];
  }
  return {
    across: a,
    up: b,
    left: (value) => box.left + share(a, value) * box.width,
    top: (value) => box.top + (1 - share(b, value)) * box.height,
  };
}

/** Half the length, because the distance of two doubles can be larger than any double. */
function halfOf({ low, high }: Bounds): number {
  return high / 2 - low / 2;
}

function share({ low, high }: Bounds, value: number): number {
  return (value / 2 - low / 2) / (high / 2 - low / 2);
}

function around(bounds: Bounds, half: number): Bounds {
  const middle = bounds.low / 2 + bounds.high / 2;
  return finite({ low: middle - half, high: middle + half });
}

/** Adds the margin. A single value gets a range around it. */
function padded(bounds: Bounds): Bounds {
  const half = halfOf(bounds);
  const size = Math.max(Math.abs(bounds.low), Math.abs(bounds.high));
  // Values that differ only in their last digits still need different places.
  const least = size === 0 ? 0.5 : size * 1e-12;
  return around(bounds, half > 0 ? Math.max(half * (1 + 2 * MARGIN), least) : Math.max(size * 0.05, 0.5));
}

function finite({ low, high }: Bounds): Bounds {
  return { low: Math.max(low, -Number.MAX_VALUE), high: Math.min(high, Number.MAX_VALUE) };
}
