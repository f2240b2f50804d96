/** The caller of the page: its rights, sign-in and sign-out. */
import { api, dataOf, whenSignedOut, type Me } from '../api/client';
import { ApiFault } from '../api/fault';
import type { Scope } from './rights';

export type { Scope };

class Session {
  /** The rights of the caller; `null` before they are known, and while nobody is signed in. */
  me = $state.raw<Me | null>(null);
  /** Whether the service needs a token and the page has no session. */
  needsSignIn = $state(false);
  /** Whether the session has ended without a sign-out, for example because its token was revoked. */
  hasEnded = $state(false);
  fault = $state.raw<unknown>(null);

  constructor() {
    whenSignedOut(() => this.#end());
  }

  /** Asks the service for the rights of the caller. */
  async load(): Promise<void> {
    try {
      this.me = await dataOf(api.GET('/api/v1/me'));
      this.needsSignIn = false;
      this.hasEnded = false;
      this.fault = null;
    } catch (fault) {
      if (!(fault instanceof ApiFault && fault.status === 401)) this.fault = fault;
    }
  }

  /** Begins a session with a token. The page does not keep the token. */
  async signIn(token: string): Promise<void> {
    await api.POST('/api/v1/session', { body: { token } });
    await this.load();
  }

  async signOut(): Promise<void> {
    await api.DELETE('/api/v1/session');
    this.#end();
    this.hasEnded = false;
  }

  /** Returns whether the caller may do actions of this kind. Some also depend on the object: see `docs/access.md`. */
  may(scope: Scope): boolean {
    return this.me?.scopes.includes(scope) ?? false;
  }

  /** Whether the service needs no tokens: everybody who can connect may do everything. */
  get isOpen(): boolean {
    return this.me?.auth === 'open';
  }

  /** Whether the caller is an administrator, or the service is open. */
  get isAdministrator(): boolean {
    return this.me?.for === 'admin';
  }

  /** Id of the user that the caller is; `null` for an administrator or a device. */
  get userId(): number | null {
    const holder = this.me?.for;
    return typeof holder === 'object' && 'user_id' in holder ? holder.user_id : null;
  }

  /** Id of the device that the caller is; `null` for others. */
  get deviceId(): string | null {
    const holder = this.me?.for;
    return typeof holder === 'object' && 'device_id' in holder ? holder.device_id : null;
  }

  #end(): void {
    if (this.me) this.hasEnded = true;
    this.me = null;
    this.needsSignIn = true;
  }
}

export const session = new Session();
