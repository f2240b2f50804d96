/** Small curves as paths of SVG, with the shapes of the large plots: the band, and the line with its gaps. */
import { gapsOf, timePosition, visible } from '../plot/aligned';
import type { Samples } from '../plot/samples';
import { addBand, addLine, type Pen, type Scale } from '../plot/shapes';
import { positionIn, type ValueRange } from '../plot/value_range';
import type { Window } from '../time/range';
import type { Axis } from '../view/view';

/** Size of a curve, in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** Paths of a curve: the attribute `d`; empty without readings. */
export interface Curve {
  band: string;
  line: string;
}

/** Writes the attribute `d` of a path, with tenths of a pixel. */
class PathText implements Pen {
  #parts: string[] = [];

  moveTo(x: number, y: number): void {
    this.#parts.push(`M${tenths(x)} ${tenths(y)}`);
  }

  lineTo(x: number, y: number): void {
    this.#parts.push(`L${tenths(x)} ${tenths(y)}`);
  }

  rect(x: number, y: number, width: number, height: number): void {
    const [right, bottom] = [tenths(x + width), tenths(y + height)];
    this.#parts.push(`M${tenths(x)} ${tenths(y)}H${right}V${bottom}H${tenths(x)}Z`);
  }

  toString(): string {
    return this.#parts.join('');
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Returns the curve of an axis inside a window. */
export function curveOf(samples: Samples, axis: Axis, window: Window, range: ValueRange, size: Size): Curve {
  const column = samples.axes[axis];
  if (!column) return { band: '', line: '' };
  const scale: Scale = {
    x: (us) => timePosition(window, us) * size.width,
    y: (value) => (1 - positionIn(range, value)) * size.height,
    ratio: 1,
  };
  const [first, end] = visible(samples, window);
  // One sample on each side, so that lines reach the edges.
  const cut = <T>(list: readonly T[]): T[] => list.slice(Math.max(0, first - 1), end + 1);
  const shown: Samples = {
    kind: samples.kind,
    startsUs: cut(samples.startsUs),
    endsUs: cut(samples.endsUs),
    counts: cut(samples.counts),
    axes: {},
  };
  const values = { low: cut(column.low), mid: cut(column.mid), high: cut(column.high) };
  const [band, line] = [new PathText(), new PathText()];
  addBand(band, shown, values, scale);
  addLine(line, shown, values, cut(gapsOf(samples)), scale);
  if (samples.kind === 'readings' && shown.startsUs.length === 1) {
    const [us = 0, value = 0] = [shown.startsUs[0], values.mid[0] ?? undefined];
    band.rect(scale.x(us) - 1.5, scale.y(value) - 1.5, 3, 3);
  }
  return { band: band.toString(), line: line.toString() };
}
