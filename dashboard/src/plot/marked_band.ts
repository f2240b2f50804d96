/** Points out an interval of values, across the whole width of a plot. */
import type { Scale } from './shapes';

const FILL_ALPHA = 0.2;
const EDGE_ALPHA = 0.8;
const DASH_PX = [4, 3];

/** Draws the interval below the signal. It is at least one pixel high. */
export function drawMarked(
  ctx: CanvasRenderingContext2D,
  area: { left: number; top: number; width: number; height: number },
  { y, ratio }: Scale,
  { low, high }: { low: number; high: number },
  colour: string,
): void {
  const top = Math.max(y(high), area.top);
  const bottom = Math.min(y(low), area.top + area.height);
  if (bottom < top) return;
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.globalAlpha = FILL_ALPHA;
  ctx.fillRect(area.left, top, area.width, Math.max(bottom - top, ratio));
  ctx.globalAlpha = EDGE_ALPHA;
  ctx.lineWidth = ratio;
  ctx.setLineDash(DASH_PX.map((px) => px * ratio));
  for (const edge of [top, bottom]) {
    ctx.beginPath();
    ctx.moveTo(area.left, edge);
    ctx.lineTo(area.left + area.width, edge);
    ctx.stroke();
  }
  ctx.restore();
}
