import { describe, expect, it } from 'vitest';

import { ConnectionLost, faultOf, faultText } from './fault';

describe('faults', () => {
  it('have the text, code and request id of the service', () => {
    const headers = { 'x-request-id': 'r-1', 'retry-after': '3' };
    const response = new Response(null, { status: 503, headers });
    const fault = faultOf(response, { detail: 'Overloaded, try again', code: 'overloaded' });
    expect(fault.message).toBe('Overloaded, try again');
    expect([fault.status, fault.code, fault.requestId, fault.retryAfterS]).toEqual([
      503,
      'overloaded',
      'r-1',
      3,
    ]);
  });

  it('name each faulty field', () => {
    const detail = [
      { type: 'missing', loc: ['body', 'username'], msg: 'Field required' },
      { type: 'value_error', loc: ['body', 'email'], msg: 'not an email address' },
    ];
    const fault = faultOf(new Response(null, { status: 422 }), { detail });
    expect(fault.message).toBe('username: Field required; email: not an email address');
    expect(fault.messageFor('email')).toBe('not an email address');
    expect(fault.messageFor('name')).toBeNull();
  });

  it('have a text even if another program answered', () => {
    expect(faultOf(new Response(null, { status: 502 }), '<html>').message).toBe(
      'The service answered with status 502',
    );
    expect(faultText(new ConnectionLost(new TypeError('Failed to fetch')))).toContain('does not answer');
  });
});
