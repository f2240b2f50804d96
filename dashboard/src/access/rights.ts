/** The rights to tokens: the holders and scopes that the caller may choose, and the tokens that it may revoke. */
import type { Me, Schema, Token } from '../api/client';

export type Holder = Schema['TokenHolder'];
export type HolderKind = 'admin' | 'user' | 'device';
export type Scope = 'ingest' | 'read' | 'manage' | 'admin';

/** All scopes, in the order in which they are shown. */
export const SCOPES: readonly Scope[] = ['ingest', 'read', 'manage', 'admin'];

/** The actions that each scope allows, for people. */
export const SCOPE_TEXTS: Record<Scope, string> = {
  ingest: 'send readings',
  read: 'see users, devices, readings and statistics',
  manage: 'create, change and delete devices, change a user, delete readings, manage tokens',
  admin:
    'create and delete users, change owners of devices, manage tokens of administrators, see the audit log and the health of the service',
};

/** The scopes that a token of each kind of holder can have. */
const USABLE: Record<HolderKind, readonly Scope[]> = {
  device: ['ingest', 'read'],
  user: ['ingest', 'read', 'manage'],
  admin: SCOPES,
};

/** The scopes that a new token has unless others are chosen, as in `device-stats token create`. */
const DEFAULTS: Record<HolderKind, readonly Scope[]> = { ...USABLE, device: ['ingest'] };

export function kindOf(holder: Holder): HolderKind {
  if (holder === 'admin') return 'admin';
  return 'user_id' in holder ? 'user' : 'device';
}

/** Returns the kinds of holders for which the caller may create tokens; the most common kind is the first. */
export function grantableKinds(me: Me): HolderKind[] {
  const caller = kindOf(me.for);
  // An open service creates no tokens over HTTP, because anybody could keep one for later.
  if (me.auth === 'open' || caller === 'device' || !me.scopes.includes('manage')) return [];
  const kinds: HolderKind[] = ['device', 'user'];
  if (caller === 'admin' && me.scopes.includes('admin')) kinds.push('admin');
  return kinds.filter((kind) => grantableScopes(kind, me).length > 0);
}

/** Returns the scopes that the caller may give to a new token: its own ones that the holder can use. */
export function grantableScopes(kind: HolderKind, me: Me): Scope[] {
  return USABLE[kind].filter((scope) => me.scopes.includes(scope));
}

/** Returns the scopes that are chosen at first for a new token. */
export function defaultScopes(kind: HolderKind, me: Me): Scope[] {
  const grantable = grantableScopes(kind, me);
  const usual = grantable.filter((scope) => DEFAULTS[kind].includes(scope));
  return usual.length > 0 ? usual : grantable;
}

/** Returns whether the caller may revoke a token of the list, which contains only tokens that it may see. */
export function mayRevoke(token: Token, me: Me): boolean {
  if (!me.scopes.includes('manage')) return false;
  return kindOf(token.for) !== 'admin' || me.scopes.includes('admin');
}

/** Returns the holder of a token inside a sentence. `nameOf` returns the name of a user, if it is known. */
export function holderText(holder: Holder, nameOf: (userId: number) => string | undefined): string {
  if (holder === 'admin') return 'an administrator';
  if ('device_id' in holder) return `device ${holder.device_id}`;
  return `user ${nameOf(holder.user_id) ?? holder.user_id}`;
}
