/** Draws the signal of one axis with uPlot. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import type { Axis } from '../view/view';
import { alignedData, HIGH, LOW, MID, timePosition, visible } from './aligned';
import { onThemeChange, themeColour } from './colours';
import { drawMarked } from './marked_band';
import type { Samples } from './samples';
import { addBand, addLine, addOutliers, pointsOf, type Scale } from './shapes';
import type { TimeLabel } from './time_labels';
import { positionIn, tickTexts, valueTicks, type ValueRange } from './value_range';
import type { Window } from './window';

/** Space to the right of the plots, in pixels of the page, for half of the last label. */
export const RIGHT_PX = 12;
/** Height of the times below the last plot. */
export const TIMES_PX = 38;
/** Space above and below the plotting area, for half of a value at its edge. */
const PADDING_PX = 7;
/** Usual distance of two values on the vertical axis. */
const VALUE_TICK_PX = 26;
/** Least distance of two readings that are drawn as points. */
const POINT_DISTANCE_PX = 8;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
/** uPlot looks for a distance of ticks although they are given: it takes any that is long enough. */
const ANY_INCREMENT = 1e9;

/** Everything that is drawn. */
export interface AxisModel {
  axis: Axis;
  samples: Samples;
  /** Whether the line is interrupted before each sample. */
  gaps: readonly boolean[];
  window: Window;
  range: ValueRange;
  timeTicks: readonly TimeLabel[];
  /** Whether the times are written below the plot. */
  hasTimes: boolean;
  widthPx: number;
  heightPx: number;
  /** Width of the values beside the plot. */
  valuesPx: number;
  /** An interval of values to point out. */
  marked: { low: number; high: number } | null;
}

/** Returns the number of values on the vertical axis of a plot. */
export function valueTickCount(heightPx: number): number {
  return Math.max(2, Math.floor(heightPx / VALUE_TICK_PX));
}

/** A plot of one axis inside an element. */
export class AxisCanvas {
  readonly #plot: uPlot;
  readonly #host: HTMLElement;
  readonly #endTheme: () => void;
  #model: AxisModel;
  #colours = { axis: '', text: '', grid: '' };

  constructor(host: HTMLElement, model: AxisModel) {
    this.#host = host;
    this.#model = model;
    this.#readColours();
    this.#plot = new uPlot(this.#options(), this.#data(), host);
    this.#endTheme = onThemeChange(() => {
      this.#readColours();
      this.#plot.redraw(true, true);
    });
  }

  /** Draws another model. */
  update(model: AxisModel): void {
    const before = this.#model;
    this.#model = model;
    const [width, height] = [model.widthPx, canvasHeight(model)];
    this.#plot.batch(() => {
      if (before.widthPx !== width || canvasHeight(before) !== height) this.#plot.setSize({ width, height });
      this.#plot.setData(this.#data(), false);
      this.#plot.redraw(true, true);
    });
  }

  /** Shows the cursor at a position of the window, and points on a sample; `null` hides them. */
  point(cursor: { position: number; sample: number | null } | null): void {
    this.#sample = cursor?.sample ?? null;
    const left = cursor ? cursor.position * this.#plot.over.clientWidth : -10;
    this.#plot.setCursor({ left, top: cursor ? 0 : -10 }, false);
  }

  destroy(): void {
    this.#endTheme();
    this.#plot.destroy();
  }

  #sample: number | null = null;

  #readColours(): void {
    this.#colours = {
      axis: themeColour(this.#host, `--axis-${this.#model.axis}`),
      text: themeColour(this.#host, '--faint'),
      grid: themeColour(this.#host, '--line'),
    };
  }

  #data(): uPlot.AlignedData {
    const { samples, axis, window, range } = this.#model;
    return alignedData(samples, axis, window, range);
  }

  #scale(): Scale {
    const { left, top, width, height } = this.#plot.bbox;
    const { window, range } = this.#model;
    return {
      x: (timeUs) => left + timePosition(window, timeUs) * width,
      y: (value) => top + (1 - positionIn(range, value)) * height,
      ratio: uPlot.pxRatio,
    };
  }

  /** The samples inside the window, with one on each side. */
  #shown(): { samples: Samples; column: Samples['axes'][Axis]; gaps: boolean[] } {
    const { samples, window, axis, gaps } = this.#model;
    const [first, end] = visible(samples, window);
    const cut = <T>(list: readonly T[]) => list.slice(Math.max(0, first - 1), end + 1);
    const column = samples.axes[axis];
    return {
      samples: {
        ...samples,
        startsUs: cut(samples.startsUs),
        endsUs: cut(samples.endsUs),
        counts: cut(samples.counts),
      },
      column: column && { low: cut(column.low), mid: cut(column.mid), high: cut(column.high) },
      gaps: cut(gaps),
    };
  }

  #bandPath(): uPlot.Series.Paths | null {
    const { samples, column } = this.#shown();
    const fill = new Path2D();
    if (column) addBand(fill, samples, column, this.#scale());
    return { stroke: null, fill };
  }

  #linePath(): uPlot.Series.Paths | null {
    const { samples, column, gaps } = this.#shown();
    const [stroke, fill] = [new Path2D(), new Path2D()];
    if (column) {
      addLine(stroke, samples, column, gaps, this.#scale());
      addOutliers(fill, samples, column, this.#scale());
    }
    return { stroke, fill };
  }

  #points(): number[] {
    const { samples, gaps, window } = this.#model;
    const countMax = this.#plot.bbox.width / uPlot.pxRatio / POINT_DISTANCE_PX;
    return pointsOf(samples, gaps, visible(samples, window), countMax);
  }

  #options(): uPlot.Options {
    const unit: uPlot.Scale = { time: false, auto: false, range: () => [0, 1] };
    const invisible: uPlot.Series = { scale: 'y', auto: false, paths: () => null, points: { show: false } };
    const line: uPlot.Series = {
      ...invisible,
      width: 1.5,
      stroke: () => this.#colours.axis,
      fill: () => this.#colours.axis,
      paths: () => this.#linePath(),
      points: {
        show: () => false,
        filter: () => this.#points(),
        size: 5,
        width: 0,
        fill: () => this.#colours.axis,
      },
    };
    const band: uPlot.Series = {
      ...invisible,
      width: 0,
      alpha: 0.35,
      fill: () => this.#colours.axis,
      paths: () => this.#bandPath(),
    };
    const series: uPlot.Series[] = [{}];
    [series[LOW], series[HIGH], series[MID]] = [invisible, band, line];
    return {
      width: this.#model.widthPx,
      height: canvasHeight(this.#model),
      padding: [PADDING_PX, RIGHT_PX, PADDING_PX, 0],
      legend: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: { x: unit, y: unit },
      series,
      axes: [this.#timeAxis(), this.#valueAxis()],
      cursor: this.#cursor(),
      hooks: {
        drawAxes: [
          ({ ctx, bbox }) => {
            if (this.#model.marked)
              drawMarked(ctx, bbox, this.#scale(), this.#model.marked, this.#colours.text);
          },
        ],
      },
    };
  }

  #timeAxis(): uPlot.Axis {
    return {
      ...this.#axis(),
      size: () => (this.#model.hasTimes ? TIMES_PX : 0),
      gap: 6,
      splits: () => this.#model.timeTicks.map(({ atUs }) => timePosition(this.#model.window, atUs)),
      values: () => this.#model.timeTicks.map(({ text }) => (this.#model.hasTimes ? text : null)),
    };
  }

  #valueAxis(): uPlot.Axis {
    const ticks = () => valueTicks(this.#model.range, valueTickCount(this.#model.heightPx));
    return {
      ...this.#axis(),
      scale: 'y',
      size: () => this.#model.valuesPx,
      gap: 6,
      splits: () => ticks().values.map((value) => positionIn(this.#model.range, value)),
      values: () => tickTexts(ticks().values, ticks().step),
    };
  }

  #axis(): uPlot.Axis {
    return {
      font: FONT,
      stroke: () => this.#colours.text,
      grid: { stroke: () => this.#colours.grid, width: 1 },
      ticks: { show: false },
      space: () => 1,
      incrs: () => [ANY_INCREMENT],
    };
  }

  #cursor(): uPlot.Cursor {
    return {
      y: false,
      drag: { x: false, y: false, setScale: false },
      dataIdx: (_, series) =>
        this.#model.samples.kind === 'readings' && series !== MID ? null : this.#sample,
      points: {
        size: (_, series) => (series === MID ? 8 : 5),
        width: 0,
        fill: () => this.#colours.axis,
        stroke: () => this.#colours.axis,
      },
    };
  }
}

function canvasHeight({ heightPx, hasTimes }: AxisModel): number {
  return heightPx + 2 * PADDING_PX + (hasTimes ? TIMES_PX : 0);
}
