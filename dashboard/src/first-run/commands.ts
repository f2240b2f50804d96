/** The commands with which a person stores and analyzes the first readings, and how far the person is. */

export interface Step {
  /** What the command does, for people. */
  text: string;
  command: string;
  /** The user or the device that exists already, so that the command is not needed; otherwise `null`. */
  done: string | null;
}

export interface Start {
  /** Address of this service, such as `http://localhost:8000`. */
  origin: string;
  needsToken: boolean;
  mayRegisterUsers: boolean;
  mayRegisterDevices: boolean;
  mayAnalyze: boolean;
  /** A user that will own the device; `null` if none is known. */
  user: { id: number; username: string } | null;
  /** A device that sends the reading; `null` if none is known. */
  device: { device_id: string } | null;
}

const DEVICE_ID = 'pump-7';
const USERNAME = 'ada';

/** Returns the steps up to the first analysis, with commands for bash or zsh. */
export function stepsFor(start: Start): Step[] {
  const { origin, needsToken, user, device } = start;
  const token = needsToken ? ' \\\n  -H "Authorization: Bearer $TOKEN"' : '';
  const send = (path: string, body: object) =>
    `curl ${quoted(`${origin}/api/v1${path}`)}${token} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(body))}`;
  const readings = `/stats/devices/${encodeURIComponent(device?.device_id ?? DEVICE_ID)}`;
  const steps: Step[] = [];
  if (needsToken) {
    steps.push({
      text: 'Run this command in bash or zsh, paste your token, and press Enter',
      command: 'read -rs TOKEN',
      done: null,
    });
  }
  if (start.mayRegisterUsers) {
    steps.push({
      text: 'Register a user',
      command: send('/users', { username: USERNAME, email: `${USERNAME}@example.com` }),
      done: user?.username ?? null,
    });
  }
  if (start.mayRegisterDevices) {
    steps.push({
      text: user ? `Register a device of ${user.username}` : 'Register a device',
      command: send('/devices', { device_id: DEVICE_ID, ...(user && { user_id: user.id }) }),
      done: device?.device_id ?? null,
    });
  }
  steps.push({ text: 'Send a reading', command: send(readings, { x: 1.5, y: -0.25, z: 9.81 }), done: null });
  if (start.mayAnalyze) {
    const command = `curl ${quoted(`${origin}/api/v1${readings}/analysis`)}${token}`;
    steps.push({ text: 'Analyze the readings', command, done: null });
  }
  return steps;
}

/** Returns a text as one word of a POSIX shell. */
export function quoted(text: string): string {
  return /^[\w:/.@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
