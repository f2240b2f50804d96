/** Requests for which a period without readings is not an error. A browser reports errors in its console. */

/** The parameter of such a request. */
export const IF_EMPTY = { if_empty: 'no_content' } as const;

/** Returns the data of a response to such a request; `null` if the period has no readings. */
export async function dataUnlessEmpty<T>(response: Promise<{ data?: T }>): Promise<NonNullable<T> | null> {
  return (await response).data ?? null;
}
