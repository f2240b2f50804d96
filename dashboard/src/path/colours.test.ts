import { readFileSync } from 'node:fs';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { colourAt, COLOURS, cssColour, decoded, distance, timeColours, toLab, type Rgb } from './colours';

/** Relative luminance (WCAG 2.2). */
function luminance(rgb: Rgb): number {
  const [red, green, blue] = rgb.map(decoded);
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(a: Rgb, b: Rgb): number {
  const [low, high] = [luminance(a), luminance(b)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

/** The backgrounds of the page: `--surface` of the theme, light and dark. */
const theme = readFileSync(new URL('../shared/theme.css', import.meta.url), 'utf8');
const surfaces = /--surface: light-dark\(#(\w{6}), #(\w{6})\)/
  .exec(theme)!
  .slice(1)
  .map((hex): Rgb => {
    const part = (i: number) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16) / 255;
    return [part(0), part(1), part(2)];
  });

/** Colours as people without one kind of cones see them (Machado, Oliveira and Fernandes, 2009; severity 1). */
const BLINDNESS: Record<string, readonly number[][]> = {
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seenBy(matrix: readonly number[][], rgb: Rgb): Rgb {
  const linear = rgb.map(decoded);
  const seen = matrix.map((row) => {
    const part = Math.min(
      Math.max(
        row.reduce((sum, factor, i) => sum + factor * linear[i]!, 0),
        0,
      ),
      1,
    );
    return part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
  });
  return [seen[0]!, seen[1]!, seen[2]!];
}

function lightnessSteps(colours: readonly Rgb[]): number[] {
  const lightness = colours.map((colour) => toLab(colour)[0]);
  return lightness.slice(1).map((value, i) => value - lightness[i]!);
}

describe.each([
  ['light', false, 0],
  ['dark', true, 1],
] as const)('the colours on a %s page', (_name, isDark, surface) => {
  const colours = timeColours(isDark);

  it('are visible, the newest most', () => {
    const contrasts = colours.map((colour) => contrast(colour, surfaces[surface]!));
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(3);
    expect(contrasts.at(-1)).toBe(Math.max(...contrasts));
  });

  it('have steps that look equal', () => {
    const labs = colours.map(toLab);
    const steps = labs.slice(1).map((lab, i) => distance(labs[i]!, lab));
    expect(Math.max(...steps) / Math.min(...steps)).toBeLessThan(1.1);
    expect(new Set(colours.map(cssColour)).size).toBe(COLOURS);
  });

  it.each(Object.entries(BLINDNESS))('keep their order for people with %s', (_name, matrix) => {
    for (const seen of [colours, colours.map((colour) => seenBy(matrix, colour))]) {
      const steps = lightnessSteps(seen);
      for (const step of steps) expect(Math.sign(step)).toBe(isDark ? 1 : -1);
      expect(Math.abs(steps.reduce((sum, step) => sum + step, 0))).toBeGreaterThan(0.3);
    }
  });
});

it('gives each time a colour, in order', () => {
  fc.assert(
    fc.property(fc.nat(1e9), fc.nat(1e9), fc.array(fc.integer({ min: -10, max: 2e9 })), (a, b, times) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      const colours = times.sort((a, b) => a - b).map((time) => colourAt(time, first, last));
      for (const [i, colour] of colours.entries()) {
        expect(Number.isInteger(colour) && colour >= 0 && colour < COLOURS).toBe(true);
        if (i > 0) expect(colour).toBeGreaterThanOrEqual(colours[i - 1]!);
      }
      if (first < last)
        expect([colourAt(first, first, last), colourAt(last, first, last)]).toEqual([0, COLOURS - 1]);
    }),
  );
});
