/** The requests for the statistics of a window: their parameters, and the `curl` line that repeats one. */
import type { Subject } from '../shared/subject';
import { toRfc3339 } from '../time/moment';

/** A span of time with an exclusive end; `null` for all readings. */
export type Span = { fromUs: number; untilUs: number } | null;

export type ExportFormat = 'csv' | 'parquet';

/** Returns the parameters of a request for a span. */
export function spanQuery(span: Span): { start_time?: string; until?: string } {
  return span ? { start_time: toRfc3339(span.fromUs), until: toRfc3339(span.untilUs) } : {};
}

/** Returns the parameters of a request for an analysis. */
export function analysisQuery(span: Span, percentiles: readonly number[], withMagnitude: boolean) {
  const stats: ('mean' | 'stddev')[] = ['mean', 'stddev'];
  return {
    ...spanQuery(span),
    ...(percentiles.length > 0 && { percentiles: [...percentiles] }),
    stats,
    ...(withMagnitude && { magnitude: true }),
  };
}

/** Returns the path of a resource of the statistics of a subject. */
export function pathOf(subject: Subject, resource: 'analysis' | 'export'): string {
  const owner =
    'deviceId' in subject ? `devices/${encodeURIComponent(subject.deviceId)}` : `users/${subject.userId}`;
  return `/api/v1/stats/${owner}/${resource}`;
}

/** Returns the path and query of an export. */
export function exportAddress(subject: Subject, span: Span, format: ExportFormat): string {
  return `${pathOf(subject, 'export')}?${queryText({ format, ...spanQuery(span) })}`;
}

/** Returns the command that sends the request of an analysis to a server, such as `https://stats.example.com`. */
export function analysisCurl(
  origin: string,
  subject: Subject,
  query: ReturnType<typeof analysisQuery>,
  needsToken: boolean,
): string {
  const address = `${origin}${pathOf(subject, 'analysis')}?${queryText(query)}`;
  return `curl ${needsToken ? '-H "Authorization: Bearer $TOKEN" ' : ''}${shellText(address)}`;
}

/** Lists are separated by commas, which a query may contain (RFC 3986, section 3.4), like the colons of times. */
function queryText(query: Record<string, unknown>): string {
  const valueText = (value: unknown) =>
    encodeURIComponent(String(value)).replaceAll('%2C', ',').replaceAll('%3A', ':');
  return Object.entries(query)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join('&');
}

/** Returns a text as one word of a POSIX shell. */
export function shellText(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
