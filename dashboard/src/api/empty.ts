/** Requests that get 204 instead of 404 for a period without readings, because browsers report each 404 in the console. */

/** The parameter of these requests. */
export const IF_EMPTY = { if_empty: 'no_content' } as const;

/** Returns the data of a response to a request with {@link IF_EMPTY}; `null` if the period has no readings. */
export async function dataUnlessEmpty<T>(response: Promise<{ data?: T }>): Promise<NonNullable<T> | null> {
  return (await response).data ?? null;
}
