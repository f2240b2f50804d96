import { describe, expect, it } from 'vitest';

import { ApiFault, ConnectionLost } from '../api/fault';
import { signInFault, tokenIn } from './sign_in';

const TOKEN = 'dss_d_nS4x9Q3C0mTqk1bVYwK2u8rQZ7hJd5LxPfGe6iNoA4s_1b2c3d4e';

function fault(status: number, code: string, retryAfterS: number | null = null): ApiFault {
  return new ApiFault(status, code, 'Text of the service', null, retryAfterS, []);
}

describe('a pasted text', () => {
  it.each([TOKEN, ` ${TOKEN}\n`, `Authorization: Bearer ${TOKEN}`, `TOKEN="${TOKEN}"`])(
    'gives its token: %j',
    (text) => expect(tokenIn(text)).toBe(TOKEN),
  );

  it.each(['', 'password', 'dss_x_abc', 'dss_d_'])('has no token: %j', (text) =>
    expect(tokenIn(text)).toBeNull(),
  );
});

describe('a fault of a sign-in', () => {
  it('explains a wrong token', () => {
    expect(signInFault(fault(401, 'unauthorized'), 'stats.example.com').text).toContain('does not accept');
  });

  it('explains how to reach the page over an encrypted connection', () => {
    const { remedy } = signInFault(fault(403, 'insecure_connection'), '192.0.2.7:8000');
    expect(remedy).toContain('https');
    expect(remedy).toContain('http://localhost:8000.');
    expect(signInFault(fault(403, 'insecure_connection'), 'stats').remedy).toContain('http://localhost.');
  });

  it('keeps the text of the service for other refusals', () => {
    expect(signInFault(fault(403, 'cross_site'), 'stats').text).toContain('Text of the service');
  });

  it('says when to try again', () => {
    expect(signInFault(fault(429, 'too_many_requests', 1), 'x').remedy).toBe('Try again in 1 second.');
    expect(signInFault(fault(429, 'too_many_requests', 30), 'x').remedy).toBe('Try again in 30 seconds.');
  });

  it('tells a lost server from a refusal', () => {
    expect(signInFault(new ConnectionLost(null), 'x').text).toContain('does not answer');
  });
});
