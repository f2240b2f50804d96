import { describe, expect, it } from 'vitest';

import { detailsOf } from './details';
import type { AuditEntry } from './sentence';

const ENTRY: AuditEntry = {
  id: 17,
  time: '2026-11-23T10:00:00.250000Z',
  action: 'update_device',
  author: { kind: 'user', id: 1, token_id: 3, request_id: '0198c0de', address: '192.0.2.7' },
  user_id: 1,
  device: 5,
  device_id: 'pump-7',
  details: { fields: ['name', 'user_id'], owner: null },
};

describe('the details of an entry', () => {
  it('contain each value of the entry', () => {
    const texts = detailsOf(ENTRY, 'UTC').map((detail) => detail.text);
    for (const text of [
      '17',
      'update_device',
      ENTRY.time,
      'a user',
      '0198c0de',
      '192.0.2.7',
      'pump-7',
      'none',
    ])
      expect(texts).toContain(text);
  });

  it('leave absent values out, but keep a zero', () => {
    const details = { readings: 0, settings: { auth: 'token', listen: '0.0.0.0:8000' } };
    const names = new Map(detailsOf({ ...ENTRY, details }, 'UTC').map(({ name, text }) => [name, text]));
    expect(names.get('Deleted readings')).toBe('0');
    expect(names.get('Settings')).toBe('auth = token\nlisten = 0.0.0.0:8000');
    expect(names.has('New owner')).toBe(false);
    expect(names.has('Username')).toBe(false);
  });

  it('have different names, by which a list tells them apart', () => {
    const names = detailsOf(ENTRY, null).map((detail) => detail.name);
    expect(new Set(names).size).toBe(names.length);
  });
});
