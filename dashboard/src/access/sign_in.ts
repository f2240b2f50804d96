/** Signing in: the token in a pasted text, and the faults of a sign-in with their remedies. */
import { ApiFault, faultText } from '../api/fault';

/** A token as the service makes it: kind of the holder, random part and checksum. */
const TOKEN = /dss_[adu]_[A-Za-z0-9_-]+/;

/** Returns the token in a pasted text, which may be a whole header or a line of a file; `null` if it has none. */
export function tokenIn(text: string): string | null {
  return TOKEN.exec(text)?.[0] ?? null;
}

export interface SignInFault {
  text: string;
  /** The action that helps; `null` if the text says everything. */
  remedy: string | null;
}

/** The session was begun, but the browser did not send its cookie. */
export const COOKIE_REFUSED: SignInFault = {
  text: 'The token is valid, but this browser did not keep the cookie of the session.',
  remedy: 'Allow cookies for this address, then sign in again.',
};

/** The text has no token. It is not sent anywhere. */
export const NO_TOKEN: SignInFault = {
  text: 'This is not an access token.',
  remedy: 'A token begins with dss_a_, dss_u_ or dss_d_. Paste the whole token.',
};

/** Returns the text and the remedy of a fault. `host` is the host of the page, with its port. */
export function signInFault(fault: unknown, host: string): SignInFault {
  if (!(fault instanceof ApiFault)) return { text: faultText(fault), remedy: null };
  if (fault.status === 401) {
    return {
      text: 'The service does not accept this token.',
      remedy: 'It is incomplete, unknown, expired or revoked. Paste it again, or get a new one.',
    };
  }
  if (fault.code === 'insecure_connection') {
    const port = /:\d+$/.exec(host)?.[0] ?? '';
    return {
      text: 'The connection to the service is not encrypted, so others in the network could take over the session.',
      remedy: `Open this page with https. On the machine of the service, you can also open http://localhost${port}.`,
    };
  }
  if (fault.status === 429) {
    const seconds = fault.retryAfterS ?? 60;
    return {
      text: 'There were too many attempts to sign in from your address.',
      remedy: `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
    };
  }
  return { text: faultText(fault), remedy: null };
}
