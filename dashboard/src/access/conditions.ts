/** The conditions on the entries of the audit log, as parts of the address and of a request. */
import { toRfc3339, type TimeUs } from '../time/moment';
import { rangeFromQuery, rangeToQuery, type Range } from '../time/range';

export const ACTIONS = [
  'create_user',
  'update_user',
  'delete_user',
  'create_device',
  'update_device',
  'delete_device',
  'delete_readings',
  'create_token',
  'delete_token',
  'create_session',
  'delete_session',
  'refuse_request',
  'start_service',
  'drop_damaged',
  'other',
] as const;
export type AuditAction = (typeof ACTIONS)[number];

/** Ranges of the calendar are not offered for the audit log. */
export type AuditRange = Exclude<Range, { kind: 'calendar' }>;

export interface AuditConditions {
  /** `null` for all actions. */
  action: AuditAction | null;
  /** Only entries by this user, or about it, its devices and its tokens. */
  userId: number | null;
  /** Only entries about this device and its tokens. */
  deviceId: string | null;
  /** Only entries by the holder of this token with it, or about it. */
  tokenId: number | null;
  range: AuditRange;
}

/** No conditions: all entries. */
export const ANY: AuditConditions = {
  action: null,
  userId: null,
  deviceId: null,
  tokenId: null,
  range: { kind: 'all' },
};

/** Returns the parameters of the address for conditions. */
export function conditionsToQuery(conditions: AuditConditions): Record<string, string> {
  const { action, userId, deviceId, tokenId, range } = conditions;
  return {
    ...(action && { action }),
    ...(userId !== null && { user: String(userId) }),
    ...(deviceId !== null && { device: deviceId }),
    ...(tokenId !== null && { token: String(tokenId) }),
    ...(range.kind !== 'all' && rangeToQuery(range)),
  };
}

/** Returns the conditions in the parameters of an address. Parts that are missing or not valid are no conditions. */
export function conditionsFromQuery(query: URLSearchParams): AuditConditions {
  const range = rangeFromQuery(query);
  return {
    action: ACTIONS.find((action) => action === query.get('action')) ?? null,
    userId: idOf(query.get('user')),
    deviceId: query.get('device') || null,
    tokenId: idOf(query.get('token')),
    range: range === null || range.kind === 'calendar' ? ANY.range : range,
  };
}

/** Returns the id that a person typed; `null` if the text is not an id. */
export function idOf(text: string | null): number | null {
  const id = Number(text?.trim() || Number.NaN);
  return Number.isSafeInteger(id) && id >= 1 ? id : null;
}

/** Returns the parameters of a request for the entries. */
export function conditionsToRequest(
  { action, userId, deviceId, tokenId, range }: AuditConditions,
  nowUs: TimeUs,
) {
  return {
    ...(action && { action }),
    ...(userId !== null && { user_id: userId }),
    ...(deviceId !== null && { device_id: deviceId }),
    ...(tokenId !== null && { token_id: tokenId }),
    // Without an end, the newest entries appear also if the clock of this computer is slow.
    ...(range.kind === 'last' && { start_time: toRfc3339(nowUs - range.seconds * 1e6) }),
    ...(range.kind === 'between' && { start_time: toRfc3339(range.fromUs), until: toRfc3339(range.untilUs) }),
  };
}
