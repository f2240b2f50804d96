import { describe, expect, it } from 'vitest';

import { countText } from '../shared/numbers';
import { parseRfc3339 } from '../time/moment';
import { momentText } from '../time/text';
import { ACTIONS } from './conditions';
import { ACTION_TEXTS, sentenceOf, type AuditEntry } from './sentence';

function entry(part: Partial<AuditEntry>): AuditEntry {
  return {
    id: 17,
    time: '2026-11-23T10:00:00.250000Z',
    action: 'delete_device',
    author: { kind: 'admin', id: null, token_id: 3, request_id: 'r', address: '192.0.2.7' },
    user_id: null,
    username: null,
    device: null,
    device_id: null,
    token_id: null,
    details: {},
    ...part,
  };
}

const PUMP = { device: 5, device_id: 'pump-7' };
const [MONDAY, TUESDAY] = ['2026-11-23T00:00:00Z', '2026-11-24T00:00:00Z'] as const;
const ANYONE = { kind: 'anyone', id: null, token_id: null, request_id: null, address: '192.0.2.7' };

function time(text: string): string {
  return momentText(parseRfc3339(text)!, 'UTC');
}

const SENTENCES: [string, Partial<AuditEntry>][] = [
  ['Administrator (token 3) deleted device pump-7', { action: 'delete_device', ...PUMP }],
  [
    'Administrator (token 3) deleted device pump-7 of user 2',
    { action: 'delete_device', ...PUMP, user_id: 2 },
  ],
  ['Administrator (token 3) registered user ada', { action: 'create_user', user_id: 1, username: 'ada' }],
  ['Administrator (token 3) deleted user 1', { action: 'delete_user', user_id: 1 }],
  [
    'User ada (token 4) changed the username and the email address of user ada',
    {
      action: 'update_user',
      author: { kind: 'user', id: 1, token_id: 4 },
      user_id: 1,
      username: 'ada',
      details: { fields: ['username', 'email'] },
    },
  ],
  ['Someone at 192.0.2.7 registered device pump-7', { action: 'create_device', author: ANYONE, ...PUMP }],
  [
    'Administrator (token 3) changed the name of device pump-7',
    { action: 'update_device', ...PUMP, details: { fields: ['name'] } },
  ],
  [
    'Administrator (token 3) changed the name of device pump-7 and moved it from user 1 to user 2',
    { action: 'update_device', ...PUMP, user_id: 1, details: { fields: ['name', 'user_id'], owner: 2 } },
  ],
  [
    'Administrator (token 3) moved device pump-7 to user 2',
    { action: 'update_device', ...PUMP, details: { fields: ['user_id'], owner: 2 } },
  ],
  [
    'Administrator (token 3) removed device pump-7 from user 1',
    { action: 'update_device', ...PUMP, user_id: 1, details: { fields: ['user_id'], owner: null } },
  ],
  [
    `Administrator (token 3) deleted ${countText(86_400)} readings of device pump-7, from ${time(MONDAY)} to ${time(TUESDAY)}`,
    {
      action: 'delete_readings',
      ...PUMP,
      details: { readings: 86_400, from: MONDAY, until: TUESDAY },
    },
  ],
  [
    'Administrator (token 3) deleted 1 reading of device pump-7',
    { action: 'delete_readings', ...PUMP, details: { readings: 1 } },
  ],
  [
    'The operator, with the command line, created token 6 of an administrator',
    { action: 'create_token', author: { kind: 'operator' }, token_id: 6, details: { scopes: ['admin'] } },
  ],
  [
    'Administrator (token 3) created token 6 (gateway in hall 3) of device pump-7',
    { action: 'create_token', token_id: 6, ...PUMP, details: { name: 'gateway in hall 3' } },
  ],
  ['Administrator (token 3) revoked token 6 of user 1', { action: 'delete_token', token_id: 6, user_id: 1 }],
  ['Administrator (token 3) signed in', { action: 'create_session', token_id: 3 }],
  [
    'Device pump-7 (token 9) signed out',
    { action: 'delete_session', author: { kind: 'device', id: 5, token_id: 9 }, ...PUMP },
  ],
  [
    'Device number 5 (token 9) signed out',
    { action: 'delete_session', author: { kind: 'device', id: 5, token_id: 9 } },
  ],
  [
    '12 requests of someone at 192.0.2.7 (DELETE /users/{user_id}) were refused: no valid token',
    {
      action: 'refuse_request',
      author: ANYONE,
      details: { count: 12, operation: 'DELETE /users/{user_id}', reason: 'unauthorized' },
    },
  ],
  [
    '1 request of user 4 (token 8) was refused: a missing right',
    {
      action: 'refuse_request',
      author: { kind: 'user', id: 4, token_id: 8 },
      details: { count: 1, reason: 'forbidden' },
    },
  ],
  [
    'The service started, version 0.1.0',
    { action: 'start_service', author: { kind: 'service' }, details: { version: '0.1.0' } },
  ],
  [
    'The operator, with the command line, dropped 1 damaged entry of an unknown device from the journal',
    { action: 'drop_damaged', author: { kind: 'operator' }, details: { entries: 1 } },
  ],
  ['Administrator (token 3): reboot server', { action: 'reboot_server' }],
];

describe('an entry of the audit log', () => {
  it.each(SENTENCES)('%s', (sentence, part) => {
    expect(sentenceOf(entry(part), 'UTC')).toBe(sentence);
  });

  it('has a sentence and a text for each action', () => {
    const tested = new Set(SENTENCES.map(([, part]) => part.action));
    expect(ACTIONS.filter((action) => action !== 'other' && !tested.has(action))).toEqual([]);
    expect(Object.keys(ACTION_TEXTS)).toEqual([...ACTIONS]);
  });
});
