import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Me, Token } from '../api/client';
import {
  defaultScopes,
  grantableKinds,
  grantableScopes,
  holderText,
  kindOf,
  mayRevoke,
  SCOPES,
  type Holder,
  type HolderKind,
  type Scope,
} from './rights';

const HOLDERS: Record<HolderKind, Holder> = {
  admin: 'admin',
  user: { user_id: 7 },
  device: { device_id: 'pump' },
};
const holder = fc.constantFrom<HolderKind>('admin', 'user', 'device');
const scopes = fc.subarray([...SCOPES]);

function caller(kind: HolderKind, scopes: Scope[], auth = 'token'): Me {
  return { auth, for: HOLDERS[kind], scopes, token: null };
}

function tokenOf(kind: HolderKind): Token {
  return { id: 3, for: HOLDERS[kind], scopes: ['read'], prefix: 'dss_', created_at: '2026-11-23T10:00:00Z' };
}

describe('the rights to tokens', () => {
  it('never give a scope that the caller lacks or the holder cannot use', () => {
    fc.assert(
      fc.property(holder, holder, scopes, (kind, target, own) => {
        const me = caller(kind, own);
        for (const scope of [...grantableScopes(target, me), ...defaultScopes(target, me)]) {
          expect(own).toContain(scope);
          if (target === 'device') expect(['ingest', 'read']).toContain(scope);
          if (target === 'user') expect(scope).not.toBe('admin');
        }
        expect(grantableScopes(target, me)).toEqual(expect.arrayContaining(defaultScopes(target, me)));
      }),
    );
  });

  it('let only the holder of the scope manage create and revoke tokens', () => {
    fc.assert(
      fc.property(holder, holder, scopes, (kind, target, own) => {
        const me = caller(kind, own);
        if (!own.includes('manage')) {
          expect(grantableKinds(me)).toEqual([]);
          expect(mayRevoke(tokenOf(target), me)).toBe(false);
        }
        if (!own.includes('admin')) {
          expect(grantableKinds(me)).not.toContain('admin');
          expect(mayRevoke(tokenOf('admin'), me)).toBe(false);
        }
      }),
    );
  });

  it('are those of the table in docs/access.md', () => {
    const all = [...SCOPES];
    expect(grantableKinds(caller('admin', all))).toEqual(['device', 'user', 'admin']);
    expect(grantableKinds(caller('admin', ['manage', 'read']))).toEqual(['device', 'user']);
    expect(grantableKinds(caller('user', ['ingest', 'read', 'manage']))).toEqual(['device', 'user']);
    // No token is left to give to a device: it cannot have `manage`.
    expect(grantableKinds(caller('user', ['manage']))).toEqual(['user']);
    expect(grantableKinds(caller('device', ['ingest', 'read']))).toEqual([]);
    expect(grantableKinds(caller('admin', all, 'open'))).toEqual([]);
    expect(mayRevoke(tokenOf('admin'), caller('admin', all))).toBe(true);
    expect(mayRevoke(tokenOf('device'), caller('user', ['manage']))).toBe(true);
  });

  it('start with the scopes of the command line', () => {
    const me = caller('admin', [...SCOPES]);
    expect(defaultScopes('device', me)).toEqual(['ingest']);
    expect(defaultScopes('user', me)).toEqual(['ingest', 'read', 'manage']);
    expect(defaultScopes('admin', me)).toEqual(SCOPES);
    expect(defaultScopes('device', caller('user', ['read', 'manage']))).toEqual(['read']);
  });

  it('name the holder', () => {
    const nameOf = (id: number) => (id === 7 ? 'ada' : undefined);
    expect(holderText('admin', nameOf)).toBe('an administrator');
    expect(holderText({ user_id: 7 }, nameOf)).toBe('user ada');
    expect(holderText({ user_id: 8 }, nameOf)).toBe('user 8');
    expect(holderText({ device_id: 'pump' }, nameOf)).toBe('device pump');
    expect(Object.values(HOLDERS).map(kindOf)).toEqual(['admin', 'user', 'device']);
  });
});
