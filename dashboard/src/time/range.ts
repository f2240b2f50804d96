/** The span of time that a view shows. */

/** The last `seconds`, up to now; a fixed window, with an exclusive end; or all readings. */
export type Range =
  { kind: 'last'; seconds: number } | { kind: 'between'; fromUs: number; untilUs: number } | { kind: 'all' };

/** Returns the parameters of the address for a range. */
export function rangeToQuery(range: Range): Record<string, string> {
  if (range.kind === 'last') return { last: `${range.seconds}s` };
  if (range.kind === 'all') return { last: 'all' };
  return { from: String(range.fromUs), until: String(range.untilUs) };
}

/** Returns the range in the parameters of an address; `null` if they have none that is valid. */
export function rangeFromQuery(query: URLSearchParams): Range | null {
  const last = query.get('last');
  if (last === 'all') return { kind: 'all' };
  const seconds = Number(/^(\d+)s$/.exec(last ?? '')?.[1] ?? Number.NaN);
  if (seconds > 0) return { kind: 'last', seconds };
  const [fromUs, untilUs] = [query.get('from'), query.get('until')].map((text) =>
    text ? Number(text) : Number.NaN,
  );
  if (fromUs! < untilUs!) return { kind: 'between', fromUs: fromUs!, untilUs: untilUs! };
  return null;
}
