/**
 * The colour scale of time: from old to new in steps that look equally large, in the colour space OKLab (Björn
 * Ottosson, "A perceptual color space for image processing", 2020).
 *
 * The lightness changes in one direction, so that people who are blind to colours also see the order. The newest colour
 * has the largest contrast with the page.
 */

type Lab = readonly [lightness: number, a: number, b: number];
export type Rgb = readonly [red: number, green: number, blue: number];

/** Number of colours of a scale. */
export const COLOURS = 64;

/** Lightness, chroma and hue in degrees, from old to new. */
const ON_LIGHT = [
  [0.665, 0.15, 62],
  [0.62, 0.19, 38],
  [0.55, 0.2, 10],
  [0.47, 0.19, 340],
  [0.39, 0.19, 310],
  [0.28, 0.16, 282],
] as const;
const ON_DARK = [
  [0.545, 0.16, 285],
  [0.605, 0.18, 315],
  [0.675, 0.17, 350],
  [0.745, 0.15, 25],
  [0.82, 0.14, 65],
  [0.9, 0.17, 100],
] as const;
/** Points of the curve between the given colours, from which equal steps are taken. */
const FINE = 400;

/** Returns the colours of a page, from old to new. */
export function timeColours(isDark: boolean): Rgb[] {
  const given = (isDark ? ON_DARK : ON_LIGHT).map(([lightness, chroma, hue]): Lab => {
    const angle = (hue * Math.PI) / 180;
    return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
  });
  // Colours that a screen cannot show are moved into its range first, so that the steps are equal afterwards.
  const curve = Array.from({ length: FINE + 1 }, (_, i) => toLab(toRgb(along(given, i / FINE))));
  return equalSteps(curve, COLOURS).map(toRgb);
}

/** Returns the position of the colour of a time between the first and the last time. */
export function colourAt(timeUs: number, firstUs: number, lastUs: number): number {
  if (!(lastUs > firstUs)) return COLOURS - 1;
  const share = Math.min(Math.max((timeUs - firstUs) / (lastUs - firstUs), 0), 1);
  return Math.min(Math.floor(share * COLOURS), COLOURS - 1);
}

export function cssColour([red, green, blue]: Rgb): string {
  return `rgb(${[red, green, blue].map((part) => Math.round(part * 255)).join(' ')})`;
}

/** Returns the colour at a share of a chain of colours. */
function along(colours: readonly Lab[], share: number): Lab {
  const place = Math.min(share * (colours.length - 1), colours.length - 1 - 1e-9);
  const [from, to] = [colours[Math.floor(place)]!, colours[Math.floor(place) + 1]!];
  return mixed(from, to, place - Math.floor(place));
}

function mixed(from: Lab, to: Lab, share: number): Lab {
  const part = (i: 0 | 1 | 2) => from[i] + (to[i] - from[i]) * share;
  return [part(0), part(1), part(2)];
}

/** Returns colours on a curve with equal distances between them. */
function equalSteps(curve: readonly Lab[], count: number): Lab[] {
  const lengths = [0];
  for (const [i, colour] of curve.entries())
    if (i > 0) lengths.push(lengths[i - 1]! + distance(curve[i - 1]!, colour));
  const total = lengths.at(-1)!;
  return Array.from({ length: count }, (_, i) => {
    const length = (total * i) / (count - 1);
    const next = Math.max(
      1,
      lengths.findIndex((end) => end >= length - 1e-12),
    );
    const [from, to] = [lengths[next - 1]!, lengths[next]!];
    return mixed(curve[next - 1]!, curve[next]!, to > from ? (length - from) / (to - from) : 0);
  });
}

export function distance(a: Lab, b: Lab): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

function toRgb([lightness, a, b]: Lab): Rgb {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    encoded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

export function toLab(rgb: Rgb): Lab {
  const [red, green, blue] = rgb.map(decoded) as unknown as Rgb;
  const l = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const m = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const s = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The transfer function of sRGB (IEC 61966-2-1), and its inverse. */
function encoded(linear: number): number {
  const part = Math.min(Math.max(linear, 0), 1);
  return part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
}

export function decoded(part: number): number {
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}
