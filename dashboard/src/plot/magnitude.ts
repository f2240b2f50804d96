/** The magnitude √(x² + y² + z²) of a reading, rounded as the service rounds it. */

/** Splits a double into halves whose products are exact (Dekker 1971). */
const SPLITTER = 134217729; // 2^27 + 1

/** Returns the product of two doubles as an unevaluated sum: the nearest double, and the rest. */
function exactSquare(value: number): [number, number] {
  const product = value * value;
  const scaled = SPLITTER * value;
  const high = scaled - (scaled - value);
  const low = value - high;
  return [product, low * low - (product - high * high - 2 * high * low)];
}

/** Returns the sum of two doubles as an unevaluated sum (Knuth's two-sum). */
function exactSum(a: number, b: number): [number, number] {
  const sum = a + b;
  const part = sum - a;
  return [sum, a - (sum - part) + (b - part)];
}

/**
 * Returns the magnitude of a reading, rounded once to the nearest double. `Math.hypot` may be off by some units of the
 * last place. The sum of the squares has twice the digits of a double here, so only a root within 2⁻¹⁰⁰ of the middle
 * of two doubles could be rounded the wrong way. A magnitude beyond the range of a double is infinite.
 */
export function magnitude(x: number, y: number, z: number): number {
  const largest = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  if (largest === 0) return 0;
  // A power of two as the unit keeps the squares away from overflow and underflow, and changes no digit.
  const exponent = Math.min(Math.max(Math.floor(Math.log2(largest)), -1000), 1000);
  const unit = 2 ** exponent;
  let [sum, rest] = [0, 0];
  for (const value of [x / unit, y / unit, z / unit]) {
    const [square, squareRest] = exactSquare(value);
    const [total, totalRest] = exactSum(sum, square);
    [sum, rest] = [total, rest + totalRest + squareRest];
  }
  [sum, rest] = exactSum(sum, rest);
  const root = Math.sqrt(sum);
  const [square, squareRest] = exactSquare(root);
  const correction = (sum - square - squareRest + rest) / (2 * root);
  return (root + correction) * unit;
}
