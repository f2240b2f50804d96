/** Draws the lines or the points of a path on a canvas, from old to new. */
import type { Place } from './shape';

export interface Drawing {
  places: readonly Place[];
  /** For each point, whether a gap precedes it. */
  gaps: readonly boolean[];
  /** For each point, the position of its colour. */
  colours: readonly number[];
  isLine: boolean;
}

/** The part of a canvas that is used. */
export type Canvas = Pick<
  CanvasRenderingContext2D,
  | 'beginPath'
  | 'moveTo'
  | 'lineTo'
  | 'arc'
  | 'stroke'
  | 'fill'
  | 'strokeStyle'
  | 'fillStyle'
  | 'lineWidth'
  | 'lineCap'
  | 'lineJoin'
  | 'globalAlpha'
>;

/** Up to this number of readings, each is a dot on its line. */
const DOTS_MAX = 150;
const TURN = 2 * Math.PI;

export function drawPath(canvas: Canvas, drawing: Drawing, colours: readonly string[]): void {
  const { places, gaps, isLine } = drawing;
  if (isLine) drawLines(canvas, drawing, colours);
  const radius = radiusOf(places.length);
  canvas.globalAlpha = isLine || places.length <= 2_000 ? 1 : 0.75;
  const isAlone = (i: number) => (i === 0 || gaps[i]) && (i + 1 >= places.length || gaps[i + 1]);
  drawDots(
    canvas,
    drawing,
    colours,
    radius,
    (i) => !isLine || places.length <= DOTS_MAX || Boolean(isAlone(i)),
  );
  canvas.globalAlpha = 1;
}

function drawLines(
  canvas: Canvas,
  { places, gaps, colours: colourOf }: Drawing,
  colours: readonly string[],
): void {
  canvas.lineWidth = places.length <= 2_000 ? 2 : 1.25;
  canvas.lineCap = 'round';
  canvas.lineJoin = 'round';
  let isOpen = false;
  for (const [i, to] of places.entries()) {
    if (i === 0 || gaps[i]) continue;
    const from = places[i - 1]!;
    if (!isOpen || colourOf[i] !== colourOf[i - 1] || gaps[i - 1]) {
      if (isOpen) canvas.stroke();
      canvas.strokeStyle = colours[colourOf[i]!] ?? '';
      canvas.beginPath();
      canvas.moveTo(from.left, from.top);
      isOpen = true;
    }
    canvas.lineTo(to.left, to.top);
  }
  if (isOpen) canvas.stroke();
}

function drawDots(
  canvas: Canvas,
  { places, colours: colourOf }: Drawing,
  colours: readonly string[],
  radius: number,
  isDrawn: (i: number) => boolean,
): void {
  let colour: number | undefined;
  for (const [i, { left, top }] of places.entries()) {
    if (!isDrawn(i)) continue;
    if (colourOf[i] !== colour) {
      if (colour !== undefined) canvas.fill();
      colour = colourOf[i]!;
      canvas.fillStyle = colours[colour] ?? '';
      canvas.beginPath();
    }
    canvas.moveTo(left + radius, top);
    canvas.arc(left, top, radius, 0, TURN);
  }
  if (colour !== undefined) canvas.fill();
}

function radiusOf(count: number): number {
  if (count <= DOTS_MAX) return 3.5;
  return count <= 2_000 ? 2 : 1.4;
}
