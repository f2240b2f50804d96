/** Faults of requests: the errors of the service, and a lost connection. */

/** A fault of one field of a request, as the service reports it with status 422. */
export interface FieldFault {
  /** Path to the field, such as `['body', 'name']`. */
  loc: (string | number)[];
  msg: string;
}

/** A response of the service that is not a success. */
export class ApiFault extends Error {
  constructor(
    /** HTTP status. */
    readonly status: number,
    /** Identifier of the error for programs, such as `device_not_found`. */
    readonly code: string,
    /** Explanation for people. */
    detail: string,
    /** Id of the request, as in the server's log. */
    readonly requestId: string | null,
    /** Seconds after which a retry can succeed; `null` if the service does not say. */
    readonly retryAfterS: number | null,
    /** The faulty fields; empty unless the status is 422. */
    readonly fields: readonly FieldFault[],
  ) {
    super(detail);
    this.name = 'ApiFault';
  }

  /** Returns the message about a field of the body or the query; `null` if the field is not faulty. */
  messageFor(field: string): string | null {
    return this.fields.find((fault) => fault.loc.at(-1) === field)?.msg ?? null;
  }
}

/** The service did not answer: the connection is lost, or the service is not running. */
export class ConnectionLost extends Error {
  constructor(cause: unknown) {
    super('The service does not answer', { cause });
    this.name = 'ConnectionLost';
  }
}

/** Returns the fault that a response reports. */
export function faultOf(response: Response, body: unknown): ApiFault {
  const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
  const fields = Array.isArray(members.detail) ? (members.detail as FieldFault[]) : [];
  const detail = typeof members.detail === 'string' ? members.detail : fieldsText(fields);
  const code = typeof members.code === 'string' ? members.code : '';
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ApiFault(
    response.status,
    code,
    detail || `The service answered with status ${response.status}`,
    response.headers.get('x-request-id'),
    Number.isFinite(retryAfter) ? retryAfter : null,
    fields,
  );
}

function fieldsText(fields: readonly FieldFault[]): string {
  return fields.map((fault) => `${fault.loc.slice(1).join('.') || 'request'}: ${fault.msg}`).join('; ');
}

/** Returns whether a request was aborted by the page itself, which is not a fault. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Returns the text of any fault for people. */
export function faultText(error: unknown): string {
  if (error instanceof ConnectionLost) return 'The service does not answer. Check that it is running.';
  if (error instanceof ApiFault && error.status === 403) return `You may not do this. ${error.message}`;
  if (error instanceof Error) return error.message;
  return String(error);
}
