/** The plot of a signal, as a person uses it: pointer, keys, values under the cursor, and drawn pixels. */
import { expect, type Locator, type Page } from '@playwright/test';

export type Axis = 'x' | 'y' | 'z' | 'magnitude';

/** Values under the cursor: those of a bucket, or one reading. */
export type Values = { min: number; median: number; max: number } | { value: number };

export class Plot {
  /** The surface that takes the pointer. */
  readonly surface: Locator;

  constructor(readonly page: Page) {
    this.surface = page.locator('.signal').getByRole('application');
  }

  /** Waits until the samples of the shown window are drawn. */
  async isDrawn(): Promise<void> {
    await expect(this.surface).toBeVisible();
    await expect(this.page.locator('.signal')).toHaveAttribute('aria-busy', 'false');
    await expect(this.page.locator('.signal .canvas.stale')).toHaveCount(0);
  }

  axis(axis: Axis): Locator {
    return this.page.locator(`.signal [data-axis="${axis}"]`);
  }

  /** The time of the sample under the cursor, or the meaning of the picture. */
  get moment(): Locator {
    return this.page.locator('.signal .moment');
  }

  async #place(position: number): Promise<{ x: number; y: number }> {
    await this.surface.scrollIntoViewIfNeeded();
    const box = (await this.surface.boundingBox())!;
    return { x: box.x + position * box.width, y: box.y + box.height / 3 };
  }

  /** Moves the pointer to a position in the window: 0 is its start, 1 its end. */
  async hover(position: number): Promise<void> {
    const { x, y } = await this.#place(position);
    await this.page.mouse.move(x, y);
  }

  async drag(from: number, until: number): Promise<void> {
    const [start, end] = [await this.#place(from), await this.#place(until)];
    await this.page.mouse.move(start.x, start.y);
    await this.page.mouse.down();
    await this.page.mouse.move(end.x, end.y, { steps: 4 });
    await this.page.mouse.up();
    await this.page.mouse.move(0, 0);
  }

  /** Returns the values of an axis under the cursor. */
  async values(axis: Axis): Promise<Values | null> {
    const shown = await this.axis(axis)
      .locator('data')
      .evaluateAll((data) => data.map((value) => Number(value.getAttribute('value'))));
    const [min, median, max] = shown;
    if (min === undefined) return null;
    return median === undefined || max === undefined ? { value: min } : { min, median, max };
  }

  /** The summary of the window for screen readers. While the plot has the focus, it stays as it was read. */
  async summary(): Promise<string> {
    await this.surface.blur();
    return (await this.surface.getAttribute('aria-label')) ?? '';
  }

  /** Number of readings in the window. */
  async count(): Promise<number> {
    return Number(/([\d,]+) readings?, /.exec(await this.summary())?.[1]?.replaceAll(',', '') ?? 0);
  }

  /**
   * Returns the heights at which an axis is drawn at a position of the window, within 2 pixels: 0 is the bottom of the
   * plot, 1 its top. Grid and texts are grey; only the signal has a colour.
   */
  async drawnAt(axis: Axis, position: number): Promise<number[]> {
    const rows = await this.#pixels(axis);
    return rows.flatMap(({ height, positions }) =>
      positions.some((drawn) => Math.abs(drawn - position) < 2 / 500) ? [height] : [],
    );
  }

  /** Returns the positions at which an axis is drawn at a height of the plot. */
  async drawnAcross(axis: Axis, height: number): Promise<number[]> {
    const rows = await this.#pixels(axis);
    const distance = (row: { height: number }) => Math.abs(row.height - height);
    return rows.reduce((near, row) => (distance(row) < distance(near) ? row : near)).positions;
  }

  async #pixels(axis: Axis): Promise<{ height: number; positions: number[] }[]> {
    const surface = (await this.surface.boundingBox())!;
    return this.axis(axis)
      .locator('canvas')
      .evaluate((element, surface) => {
        const canvas = element as HTMLCanvasElement;
        const box = canvas.getBoundingClientRect();
        const over = canvas.parentElement!.querySelector('.u-over')!.getBoundingClientRect();
        const { width, height } = canvas;
        const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!;
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, width, height);
        const ratio = width / box.width;
        return Array.from({ length: height }, (_, row) => {
          const positions: number[] = [];
          for (let column = 0; column < width; column += 1) {
            const at = 4 * (row * width + column);
            const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(at, at + 4);
            const colour = Math.max(red, green, blue) - Math.min(red, green, blue);
            if (alpha > 40 && colour > 60)
              positions.push((box.x + column / ratio - surface.x) / surface.width);
          }
          return { height: 1 - (box.y + row / ratio - over.y) / over.height, positions };
        });
      }, surface);
  }
}
