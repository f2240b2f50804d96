import fc from 'fast-check';
import { expect, it } from 'vitest';

import { drawPath, type Canvas, type Drawing } from './draw';

/** Notes the segments and dots that are drawn, with their colours. */
class Recorder implements Canvas {
  strokeStyle = '';
  fillStyle = '';
  lineWidth = 1;
  lineCap: CanvasLineCap = 'butt';
  lineJoin: CanvasLineJoin = 'miter';
  globalAlpha = 1;
  readonly segments: [from: number, to: number, colour: string][] = [];
  readonly dots: [at: number, colour: string][] = [];
  #at = 0;
  #segments: [number, number][] = [];
  #dots: number[] = [];
  beginPath() {
    this.#segments = [];
    this.#dots = [];
  }
  moveTo(left: number) {
    this.#at = left;
  }
  lineTo(left: number) {
    this.#segments.push([this.#at, left]);
    this.#at = left;
  }
  arc(left: number) {
    this.#dots.push(left);
  }
  stroke() {
    for (const [from, to] of this.#segments) this.segments.push([from, to, this.strokeStyle]);
  }
  fill() {
    for (const at of this.#dots) this.dots.push([at, this.fillStyle]);
  }
}

/** The place of point i is i, so that the recorded places name the points. */
const drawing: fc.Arbitrary<Drawing> = fc
  .tuple(fc.array(fc.tuple(fc.boolean(), fc.nat(3)), { maxLength: 300 }), fc.boolean())
  .map(([points, isLine]) => ({
    places: points.map((_, i) => ({ left: i, top: 0 })),
    gaps: points.map(([gap], i) => i > 0 && gap),
    colours: points.map(([, colour]) => colour).sort(),
    isLine,
  }));
const COLOURS = ['red', 'green', 'blue', 'black'];

it('connects exactly the neighbours without a gap, in the colour of the later one', () => {
  fc.assert(
    fc.property(drawing, (drawing) => {
      const canvas = new Recorder();
      drawPath(canvas, drawing, COLOURS);
      const expected = drawing.places.flatMap((_, i) =>
        drawing.isLine && i > 0 && !drawing.gaps[i] ? [[i - 1, i, COLOURS[drawing.colours[i]!]]] : [],
      );
      expect(canvas.segments).toEqual(expected);
    }),
  );
});

it('shows every reading: as a dot or as an end of a line', () => {
  fc.assert(
    fc.property(drawing, (drawing) => {
      const canvas = new Recorder();
      drawPath(canvas, drawing, COLOURS);
      const shown = new Set([
        ...canvas.dots.map(([at]) => at),
        ...canvas.segments.flatMap(([from, to]) => [from, to]),
      ]);
      expect(shown.size).toBe(drawing.places.length);
      for (const [at, colour] of canvas.dots) expect(colour).toBe(COLOURS[drawing.colours[at]!]);
      if (!drawing.isLine) expect(canvas.dots).toHaveLength(drawing.places.length);
    }),
  );
});
