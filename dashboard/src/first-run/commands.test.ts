import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { quoted, stepsFor, type Start } from './commands';

const START: Start = {
  origin: 'http://localhost:8000',
  needsToken: false,
  mayRegisterUsers: true,
  mayRegisterDevices: true,
  mayAnalyze: true,
  user: null,
  device: null,
};

/** Returns the arguments that a shell gives to `curl`. */
function argumentsOf(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }; TOKEN=secret; ${command}`;
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

describe('the first steps', () => {
  it('register, send and analyze', () => {
    const steps = stepsFor(START);
    expect(steps.map((step) => argumentsOf(step.command)[0])).toEqual([
      'http://localhost:8000/api/v1/users',
      'http://localhost:8000/api/v1/devices',
      'http://localhost:8000/api/v1/stats/devices/pump-7',
      'http://localhost:8000/api/v1/stats/devices/pump-7/analysis',
    ]);
    const bodies = steps.slice(0, 3).map((step) => JSON.parse(argumentsOf(step.command).at(-1)!));
    expect(bodies).toEqual([
      { username: 'ada', email: 'ada@example.com' },
      { device_id: 'pump-7' },
      { x: 1.5, y: -0.25, z: 9.81 },
    ]);
  });

  it('continue with the user and the device that exist', () => {
    const steps = stepsFor({
      ...START,
      user: { id: 4, username: 'eve' },
      device: { device_id: "hall 3/ö'x" },
    });
    expect(steps.map((step) => step.done)).toEqual(['eve', "hall 3/ö'x", null, null]);
    expect(steps[1]!.command).toContain('"user_id":4');
    expect(argumentsOf(steps[2]!.command)[0]).toBe(
      "http://localhost:8000/api/v1/stats/devices/hall%203%2F%C3%B6'x",
    );
  });

  it('send the token if the service needs one', () => {
    const steps = stepsFor({ ...START, needsToken: true });
    expect(steps[0]!.command).toBe('read -rs TOKEN');
    for (const step of steps.slice(1)) {
      expect(argumentsOf(step.command)).toContain('Authorization: Bearer secret');
    }
  });

  it('are only those that the caller may do', () => {
    const rights = { mayRegisterUsers: false, mayRegisterDevices: false, mayAnalyze: false };
    expect(stepsFor({ ...START, ...rights }).map((step) => step.text)).toEqual(['Send a reading']);
  });

  it('are quoted so that a shell changes nothing', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(text, (text) => {
        expect(execFileSync('sh', ['-c', `printf %s ${quoted(text)}`], { encoding: 'utf8' })).toBe(text);
      }),
      { numRuns: 30 },
    );
  });
});
