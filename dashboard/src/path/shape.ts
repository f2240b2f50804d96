/** The shape of a path on the canvas: whether it is a line, its direction, and the point under the pointer. */

export interface Place {
  left: number;
  top: number;
}

/** An arrow at a place of the path. `angle` is in radians; 0 points to the right, and it grows clockwise. */
export interface Arrow extends Place {
  angle: number;
  /** Position of the point before the arrow. */
  point: number;
}

/** Up to this number of points, lines are always clear. */
const FEW = 60;
/** A line is clear if its usual step is at most this share of the diagonal of the path. */
const STEP_SHARE_MAX = 0.05;
/** Number of steps that tell the usual step. */
const STEPS_MAX = 1_000;
/** Distance between arrows, and their largest number. */
const ARROW_DISTANCE = 110;
const ARROWS_MAX = 30;
/** Movements up to this distance can be noise, and do not show a direction. */
const NOISE = 12;
/** The direction of a step of this length is visible without its neighbours. */
const LONG_STEP = 40;
/** Length of the mean of the directions around an arrow: 1 on a straight line, 0 where the path turns back. */
const STRAIGHT_MIN = 0.8;

/** Returns whether lines between the points show a movement. Otherwise they would only cover each other. */
export function isLine(places: readonly Place[], gaps: readonly boolean[]): boolean {
  if (places.length <= FEW) return true;
  const every = Math.ceil(places.length / STEPS_MAX);
  const steps = places.flatMap((place, i) => {
    return i === 0 || gaps[i] || i % every > 0 ? [] : [lengthOf(places[i - 1]!, place)];
  });
  steps.sort((a, b) => a - b);
  const lefts = places.map(({ left }) => left);
  const tops = places.map(({ top }) => top);
  const diagonal = Math.hypot(extent(lefts), extent(tops));
  return (steps[Math.floor(steps.length / 2)] ?? 0) <= STEP_SHARE_MAX * diagonal;
}

/** Returns arrows along the path, at about equal distances. There is none across a gap and none at a sharp turn. */
export function arrowsOf(places: readonly Place[], gaps: readonly boolean[]): Arrow[] {
  const ways = coarseWays(places, gaps);
  const total = ways
    .flatMap((way) => way.map(({ length }) => length))
    .reduce((sum, length) => sum + length, 0);
  const distance = Math.max(ARROW_DISTANCE, total / ARROWS_MAX);
  const arrows: Arrow[] = [];
  // The first arrow is half a distance from the start, so that short paths have one, too.
  let rest = Math.min(distance, total) / 2;
  for (const way of ways) {
    for (const [i, step] of way.entries()) {
      for (; rest < step.length; rest += distance) {
        const angle = directionOf(way, i);
        if (angle === null || arrows.length >= ARROWS_MAX) continue;
        const share = rest / step.length;
        const left = step.from.left + (step.to.left - step.from.left) * share;
        const top = step.from.top + (step.to.top - step.from.top) * share;
        arrows.push({ left, top, angle, point: step.point });
      }
      rest -= step.length;
    }
  }
  return arrows;
}

/** A straight part of a path without its noise. */
interface Step {
  from: Place;
  to: Place;
  length: number;
  /** Position of the point at `from`. */
  point: number;
}

/** Returns the steps between the gaps. Points that are nearer than `NOISE` to the previous step's end are left out. */
function coarseWays(places: readonly Place[], gaps: readonly boolean[]): Step[][] {
  const ways: Step[][] = [];
  let point = 0;
  for (const [i, to] of places.entries()) {
    if (i === 0 || gaps[i]) {
      ways.push([]);
      point = i;
      continue;
    }
    const from = places[point]!;
    const length = lengthOf(from, to);
    if (length < NOISE) continue;
    ways.at(-1)!.push({ from, to, length, point });
    point = i;
  }
  return ways;
}

/** Returns the direction of a way at a step; `null` if the way turns there. */
function directionOf(way: readonly Step[], i: number): number | null {
  const near = way[i]!.length >= LONG_STEP ? [way[i]!] : way.slice(Math.max(0, i - 1), i + 2);
  const across = near.reduce((sum, { from, to, length }) => sum + (to.left - from.left) / length, 0);
  const down = near.reduce((sum, { from, to, length }) => sum + (to.top - from.top) / length, 0);
  return Math.hypot(across, down) < STRAIGHT_MIN * near.length ? null : Math.atan2(down, across);
}

/** Returns the position of the point that is nearest to a place, up to `reach` pixels away; `null` without one. */
export function nearestPoint(places: readonly Place[], place: Place, reach: number): number | null {
  let nearest: number | null = null;
  let shortest = reach * reach;
  for (const [i, { left, top }] of places.entries()) {
    const square = (left - place.left) ** 2 + (top - place.top) ** 2;
    // Of several points at one place, the newest is on top.
    if (square <= shortest) [nearest, shortest] = [i, square];
  }
  return nearest;
}

function lengthOf(a: Place, b: Place): number {
  return Math.hypot(a.left - b.left, a.top - b.top);
}

function extent(values: readonly number[]): number {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return high - low;
}
