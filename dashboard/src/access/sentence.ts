/** The entries of the audit log as sentences: "Administrator (token 3) deleted device pump-7". */
import type { Schema } from '../api/client';
import { countText } from '../shared/numbers';
import { momentOfApi } from '../time/moment';
import { momentText } from '../time/text';
import type { AuditAction } from './conditions';
import { lowerFirst, upperFirst } from './words';

export type AuditEntry = Schema['AuditEntry'];

/** The actions for people, in the list of choices. */
export const ACTION_TEXTS: Record<AuditAction, string> = {
  create_user: 'User registered',
  update_user: 'User changed',
  delete_user: 'User deleted',
  create_device: 'Device registered',
  update_device: 'Device changed',
  delete_device: 'Device deleted',
  delete_readings: 'Readings deleted',
  create_token: 'Token created',
  delete_token: 'Token revoked',
  create_session: 'Sign-in',
  delete_session: 'Sign-out',
  refuse_request: 'Request refused',
  start_service: 'Service started',
  drop_damaged: 'Damaged entries dropped',
  other: 'Other',
};

/** The changed fields for people. */
const FIELD_TEXTS: Record<string, string> = {
  username: 'username',
  email: 'email address',
  name: 'name',
  user_id: 'owner',
  expected_interval_s: 'expected interval',
  expected_interval: 'expected interval',
};

/** The reasons of refusals for people, by the code of the error. */
const REASON_TEXTS: Record<string, string> = {
  unauthorized: 'no valid token',
  forbidden: 'a missing right',
  cross_site: 'sent by a web page of another site',
  foreign_host: 'for a foreign host name',
  insecure_connection: 'a sign-in without encryption',
};

/** Returns the sentence of an entry. Times are in a zone; `null` is the viewer's zone. */
export function sentenceOf(entry: AuditEntry, zone: string | null): string {
  const author = authorText(entry);
  const { details } = entry;
  switch (entry.action as AuditAction) {
    case 'create_user':
      return `${author} registered ${userText(entry)}`;
    case 'update_user':
      return `${author} changed ${fieldsText(details.fields)} of ${userText(entry)}`;
    case 'delete_user':
      return `${author} deleted ${userText(entry)}`;
    case 'create_device':
      return `${author} registered ${deviceText(entry)}${ownerText(entry)}`;
    case 'update_device':
      return `${author} ${deviceChange(entry)}`;
    case 'delete_device':
      return `${author} deleted ${deviceText(entry)}${ownerText(entry)}`;
    case 'delete_readings':
      return `${author} deleted ${number(details.readings, 'reading')} of ${deviceText(entry)}${windowText(entry, zone)}`;
    case 'create_token':
      return `${author} created ${tokenText(entry)}`;
    case 'delete_token':
      return `${author} revoked ${tokenText(entry)}`;
    case 'create_session':
      return `${author} signed in`;
    case 'delete_session':
      return `${author} signed out`;
    case 'refuse_request':
      return refusal(entry, author);
    case 'start_service':
      return details.version ? `The service started, version ${details.version}` : 'The service started';
    case 'drop_damaged':
      return `${author} dropped ${number(details.entries, 'damaged entry', 'damaged entries')} of ${deviceText(entry)} from the journal`;
    default:
      return `${author}: ${entry.action.replaceAll('_', ' ')}`;
  }
}

/** Returns the party that caused an event. */
export function authorText(entry: AuditEntry): string {
  const { kind, id, token_id, address } = entry.author;
  const token = token_id == null ? '' : ` (token ${token_id})`;
  if (kind === 'admin') return `Administrator${token}`;
  if (kind === 'user') return `User ${id === entry.user_id && entry.username ? entry.username : id}${token}`;
  if (kind === 'device') {
    return `Device ${id === entry.device && entry.device_id ? entry.device_id : `number ${id}`}${token}`;
  }
  if (kind === 'operator') return 'The operator, with the command line,';
  if (kind === 'service') return 'The service';
  return address ? `Someone at ${address}` : 'Someone';
}

function userText({ username, user_id }: AuditEntry): string {
  return `user ${username ?? user_id}`;
}

function deviceText({ device_id, device }: AuditEntry): string {
  if (device_id != null) return `device ${device_id}`;
  return device == null ? 'an unknown device' : `device number ${device}`;
}

function ownerText({ user_id }: AuditEntry): string {
  return user_id == null ? '' : ` of user ${user_id}`;
}

/** Returns the token of an event with its name and its holder. */
function tokenText(entry: AuditEntry): string {
  const name = entry.details.name ? ` (${entry.details.name})` : '';
  const holder =
    entry.device != null || entry.device_id != null
      ? deviceText(entry)
      : entry.user_id == null
        ? 'an administrator'
        : userText(entry);
  return `token ${entry.token_id ?? ''}${name} of ${holder}`;
}

function deviceChange(entry: AuditEntry): string {
  const { fields, owner } = entry.details;
  const others = (fields ?? []).filter((field) => field !== 'user_id');
  const parts = [];
  if (others.length > 0) parts.push(`changed ${fieldsText(others)} of ${deviceText(entry)}`);
  if (fields?.includes('user_id')) {
    const device = parts.length > 0 ? 'it' : deviceText(entry);
    const from = entry.user_id == null ? '' : ` from user ${entry.user_id}`;
    parts.push(owner == null ? `removed ${device}${from}` : `moved ${device}${from} to user ${owner}`);
  }
  return parts.join(' and ') || `changed ${deviceText(entry)}`;
}

function windowText({ details: { from, until } }: AuditEntry, zone: string | null): string {
  const [start, end] = [from, until].map((time) => time && momentText(momentOfApi(time), zone));
  if (start && end) return `, from ${start} to ${end}`;
  if (start) return `, from ${start} on`;
  return end ? `, before ${end}` : '';
}

function refusal({ details }: AuditEntry, author: string): string {
  const requests = number(details.count, 'request');
  const verb = details.count === 1 ? 'was' : 'were';
  const operation = details.operation ? ` (${details.operation})` : '';
  const reason = details.reason
    ? `: ${REASON_TEXTS[details.reason] ?? details.reason.replaceAll('_', ' ')}`
    : '';
  return `${upperFirst(requests)} of ${lowerFirst(author)}${operation} ${verb} refused${reason}`;
}

function fieldsText(fields: readonly string[] | null | undefined): string {
  const texts = (fields ?? []).map((field) => FIELD_TEXTS[field] ?? field.replaceAll('_', ' '));
  return texts.length > 0 ? `the ${texts.join(' and the ')}` : 'something';
}

function number(count: number | null | undefined, one: string, many = `${one}s`): string {
  if (count == null) return many;
  return `${countText(count)} ${count === 1 ? one : many}`;
}
