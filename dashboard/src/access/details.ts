/** The details of an entry of the audit log, for its expanded view. */
import { countText } from '../shared/numbers';
import { momentOfApi } from '../time/moment';
import { momentText } from '../time/text';
import type { AuditEntry } from './sentence';

export interface Detail {
  name: string;
  text: string;
}

const KIND_TEXTS: Record<string, string> = {
  anyone: 'a client without a valid token, or any client of an open service',
  admin: 'an administrator',
  user: 'a user',
  device: 'a device',
  operator: 'a command that works directly on the database',
  service: 'the service itself',
};

/** Returns everything that an entry contains, except members that are absent. Times are in a zone. */
export function detailsOf(entry: AuditEntry, zone: string | null): Detail[] {
  const { author, details } = entry;
  const time = (text: string | null | undefined) => text && momentText(momentOfApi(text), zone);
  const hasChangedOwner = details.fields?.includes('user_id') ?? false;
  const all: [name: string, value: string | number | null | undefined][] = [
    ['Entry', entry.id],
    ['Action', entry.action],
    // With all digits, and independent of the zone, to compare it with logs.
    ['Time in UTC', entry.time],
    ['Caused by', KIND_TEXTS[author.kind] ?? author.kind],
    ['Id of the author', author.id],
    ['Token of the author', author.token_id],
    ['Address', author.address],
    ['Request id', author.request_id],
    ['User', entry.user_id],
    ['Username', entry.username],
    ['Device', entry.device_id],
    ['Number of the device', entry.device],
    ['Token', entry.token_id],
    ['Changed fields', details.fields?.join(', ')],
    ['New owner', hasChangedOwner ? (details.owner ?? 'none') : null],
    ['Name of the token', details.name],
    ['Token begins with', details.prefix],
    ['Scopes', details.scopes?.join(', ')],
    ['Token expires', time(details.expires_at)],
    ['Readings from', time(details.from)],
    ['Readings until', time(details.until)],
    ['Deleted readings', details.readings == null ? null : countText(details.readings)],
    ['Dropped entries', details.entries == null ? null : countText(details.entries)],
    ['Requests', details.count == null ? null : countText(details.count)],
    ['Operation', details.operation],
    ['Reason', details.reason],
    ['Version', details.version],
    ['Settings', settingsText(details.settings)],
  ];
  return all.flatMap(([name, value]) =>
    value == null || value === '' ? [] : [{ name, text: String(value) }],
  );
}

function settingsText(settings: Record<string, string> | null | undefined): string {
  const lines = Object.entries(settings ?? {}).map(([name, value]) => `${name} = ${value}`);
  return lines.join('\n');
}
