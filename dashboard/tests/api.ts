/** Requests with which a test prepares the data of its server, and reads them. */
import type { Server } from './server';

export interface SentReading {
  x: number;
  y: number;
  z: number;
  timestamp?: string;
}

/** The statistics of an axis, if all of them are requested. */
export interface Statistics {
  count: number;
  sum: number;
  mean: number;
  stddev: number;
  min_value: number;
  median: number;
  max_value: number;
  percentiles: { percentile: number; value: number }[];
}

/** The statistics of each axis. */
export type Analysis = Record<'x' | 'y' | 'z', Statistics>;

export class Api {
  constructor(
    readonly server: Server,
    readonly token: string | null,
  ) {}

  /** Sends a request, and returns the body of the answer. Fails if the answer is not a success. */
  async send<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : null) as T;
  }

  fetch(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = {};
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    return fetch(`${this.server.url}/api/v1${path}`, init);
  }

  /** Registers a user, and returns its id. */
  async createUser(username: string): Promise<number> {
    const user = { username, email: `${username}@example.com` };
    return (await this.send<{ id: number }>('POST', '/users', user)).id;
  }

  async createDevice(deviceId: string, more: object = {}): Promise<void> {
    await this.send('POST', '/devices', { device_id: deviceId, ...more });
  }

  /** Registers devices, some at a time. */
  async createDevices(deviceIds: readonly string[], more: object = {}): Promise<void> {
    for (let start = 0; start < deviceIds.length; start += 20) {
      await Promise.all(deviceIds.slice(start, start + 20).map((id) => this.createDevice(id, more)));
    }
  }

  async sendReading(deviceId: string, reading: SentReading): Promise<void> {
    await this.send('POST', `/stats/devices/${encodeURIComponent(deviceId)}`, reading);
  }

  async sendReadings(deviceId: string, readings: readonly SentReading[]): Promise<void> {
    await this.send('POST', `/stats/devices/${encodeURIComponent(deviceId)}/batch`, readings);
  }

  /** Sends a table of readings: fewer bytes than JSON. Its columns are `timestamp`, `x`, `y` and `z`. */
  async sendTable(deviceId: string, rows: readonly string[]): Promise<void> {
    const headers: Record<string, string> = { 'content-type': 'text/csv' };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    const url = `${this.server.url}/api/v1/stats/devices/${encodeURIComponent(deviceId)}/batch`;
    const body = `timestamp,x,y,z\n${rows.join('\n')}\n`;
    const response = await fetch(url, { method: 'POST', headers, body });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }

  async hasDevice(deviceId: string): Promise<boolean> {
    return (await this.fetch('GET', `/devices/${encodeURIComponent(deviceId)}`)).ok;
  }
}
