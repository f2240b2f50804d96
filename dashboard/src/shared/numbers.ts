/** Numbers as text in the viewer's locale. */

export function countText(count: number): string {
  return new Intl.NumberFormat().format(count);
}

export function rateText(perSecond: number): string {
  return new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 }).format(perSecond);
}
