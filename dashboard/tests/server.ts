/** The server of a test: the real binary on a free port, with a database of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export type Store = 'sqlite' | 'postgresql';
export type Auth = 'open' | 'token';

const START_MS = 30_000;

/** A database that no other test uses. */
class Database {
  readonly url: string;
  readonly #drop: () => void;

  constructor(store: Store) {
    if (store === 'sqlite') {
      const folder = mkdtempSync(join(tmpdir(), 'device-stats-'));
      this.url = `sqlite:${join(folder, 'test.db')}`;
      this.#drop = () => rmSync(folder, { recursive: true });
      return;
    }
    const server = setting('DEVICE_STATS_POSTGRES');
    const name = `dashboard_${process.pid}_${Date.now()}`;
    const run = (statement: string) => execFileSync('psql', [server, '-qc', statement]);
    run(`CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = name;
    this.url = url.toString();
    this.#drop = () => run(`DROP DATABASE ${name} WITH (FORCE)`);
  }

  drop(): void {
    this.#drop();
  }
}

export class Server {
  /** Address of the server, such as `http://127.0.0.1:40123`. */
  url = '';
  /** Token of an administrator; `null` if the service is open. */
  readonly adminToken: string | null;
  readonly #database: Database;
  readonly #auth: Auth;
  #process: ChildProcess | null = null;
  #log: string[] = [];

  constructor(store: Store, auth: Auth) {
    this.#auth = auth;
    this.#database = new Database(store);
    this.adminToken = auth === 'token' ? this.createToken('--admin') : null;
  }

  /** Creates a token with the command line. */
  createToken(...holder: string[]): string {
    const words = ['token', 'create', ...holder, '--database-url', this.#database.url];
    return execFileSync(setting('DEVICE_STATS_BINARY'), words, { encoding: 'utf8' }).trim();
  }

  /** Starts the server, and waits until it listens. A server that has run before gets the same address. */
  async start(): Promise<void> {
    const listen = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const flags = ['--listen', listen, '--database-url', this.#database.url, '--auth', this.#auth];
    // A machine that runs many tests may be overloaded.
    const words = ['serve', ...flags, '--log-format', 'json', '--log', 'info', '--overload-wait-ms', '0'];
    const process = spawn(setting('DEVICE_STATS_BINARY'), words, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = process;
    this.url = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`The server did not start:\n${this.log}`)), START_MS);
      process.on('error', reject);
      process.on('exit', (code) => reject(new Error(`The server ended with ${code}:\n${this.log}`)));
      // The log is read to its end: a full pipe would block the server.
      createInterface({ input: process.stderr }).on('line', (line) => {
        this.#log.push(line);
        const address = addressIn(line);
        if (address === null) return;
        clearTimeout(timer);
        resolve(`http://${address}`);
      });
    });
  }

  /** Stops the server, or kills it. Its data stay. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (!process || process.exitCode !== null) return;
    const ended = new Promise((resolve) => process.once('exit', resolve));
    process.kill(signal);
    await ended;
  }

  /** Stops the server and deletes its data. */
  async remove(): Promise<void> {
    await this.stop();
    this.#database.drop();
  }

  get log(): string {
    return this.#log.join('\n');
  }
}

/** Returns the address in the line of the log with which the server listens. */
function addressIn(line: string): string | null {
  try {
    return (JSON.parse(line) as { fields?: { address?: string } }).fields?.address ?? null;
  } catch {
    return null;
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set the variable ${name}`);
  return value;
}
