/** Labels along an axis that do not touch each other. */

export interface Label {
  text: string;
  /** Middle of the label along the axis, in pixels. */
  at: number;
}

/** Returns the labels that fit. Earlier ones take precedence. */
export function fittingLabels<T extends Label>(labels: readonly T[], characterWidth: number): T[] {
  const placed: T[] = [];
  for (const label of labels) {
    const isFree = placed.every((other) => {
      const room = ((label.text.length + other.text.length) / 2 + 1) * characterWidth;
      return Math.abs(label.at - other.at) >= room;
    });
    if (isFree) placed.push(label);
  }
  return placed;
}
