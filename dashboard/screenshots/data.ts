/** The data of the screenshots: the fleet of a water supplier, and the demonstration of the service. */
import type { Api, SentReading } from '../tests/api';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
/** Time between two older readings, and the age from which a reading is older. */
const OLD_EVERY_MS = 60_000;
const OLD_MS = 2 * HOUR_MS;
/** Readings of a request. */
const BATCH = 5_000;

interface Device {
  id: string;
  name: string;
  /** Mean and swing of each axis. */
  around: readonly (readonly [mean: number, swing: number])[];
  /** Seconds between two readings of the last hours. */
  everyS: number;
  state?: 'silent' | 'wrong clock';
}

const FLOW = [
  [42, 9],
  [3.1, 0.4],
  [11.5, 1.2],
] as const;
const LEVEL = [
  [2.4, 0.5],
  [7.2, 0.15],
  [9.8, 1.6],
] as const;

/** Users and their devices. Axes: flow, pressure and temperature; or level, pH and temperature. */
const FLEET: Readonly<Record<string, readonly Device[]>> = {
  'riverside-plant': [
    { id: 'rp-inlet', name: 'Inlet, flow meter', around: FLOW, everyS: 2 },
    { id: 'rp-basin-1', name: 'Basin 1, level', around: LEVEL, everyS: 5 },
    { id: 'rp-basin-2', name: 'Basin 2, level', around: LEVEL, everyS: 5 },
    { id: 'rp-outlet', name: 'Outlet, flow meter', around: FLOW, everyS: 2 },
    { id: 'rp-sludge', name: 'Sludge pump', around: FLOW, everyS: 2, state: 'silent' },
  ],
  'hill-reservoir': [
    { id: 'hr-north', name: 'North chamber, level', around: LEVEL, everyS: 10 },
    { id: 'hr-south', name: 'South chamber, level', around: LEVEL, everyS: 10 },
    { id: 'hr-valve', name: 'Outlet valve', around: FLOW, everyS: 5, state: 'wrong clock' },
  ],
  'old-town-network': [
    { id: 'ot-market', name: 'Market square', around: FLOW, everyS: 5 },
    { id: 'ot-mill', name: 'Mill lane', around: FLOW, everyS: 5 },
    { id: 'ot-station', name: 'Railway station', around: FLOW, everyS: 10 },
    { id: 'ot-school', name: 'School road', around: FLOW, everyS: 5, state: 'silent' },
    { id: 'ot-harbour', name: 'Harbour', around: FLOW, everyS: 2 },
  ],
};
/** Its devices are shown side by side, and with two windows compared. */
export const SHOWN_USER = 'old-town-network';

const ALL = Object.values(FLEET).flat();

/** Registers the fleet, and stores the readings of the last days up to now. Returns the id of the shown user. */
export async function storeFleet(api: Api, days: number): Promise<number> {
  let shownUser = 0;
  for (const [username, devices] of Object.entries(FLEET)) {
    const userId = await api.createUser(username);
    if (username === SHOWN_USER) shownUser = userId;
    for (const { id, name, state } of devices) {
      const silence = state === 'silent' ? { expected_interval_s: 20 } : {};
      await api.createDevice(id, { name, user_id: userId, ...silence });
    }
  }
  const untilMs = Date.now() - 5 * SECOND_MS;
  for (const [index, device] of ALL.entries()) {
    const readings: SentReading[] = [];
    let atMs = untilMs - days * 24 * HOUR_MS;
    while (atMs < untilMs) {
      readings.push(readingAt(device, index, atMs));
      atMs += untilMs - atMs > OLD_MS ? OLD_EVERY_MS : device.everyS * SECOND_MS;
    }
    for (let start = 0; start < readings.length; start += BATCH) {
      await api.sendReadings(device.id, readings.slice(start, start + BATCH));
    }
  }
  return shownUser;
}

/** Sends a reading of each device whose turn it is in this second, as its clock shows the time. */
export async function sendNow(api: Api, second: number): Promise<void> {
  await Promise.all(
    ALL.map(async (device, index) => {
      if (device.state === 'silent' || (second + index) % device.everyS !== 0) return;
      const aheadMs = device.state === 'wrong clock' ? 2 * HOUR_MS : 0;
      await api.sendReading(device.id, readingAt(device, index, Date.now() + aheadMs));
    }),
  );
}

/** A value of each axis: a day, an hour, and noise, all of them functions of the time. */
function readingAt({ around }: Device, index: number, atMs: number): SentReading {
  const hours = atMs / HOUR_MS + index * 1.7;
  const [x, y, z] = around.map(([mean, swing], axis) => {
    const day = Math.sin((hours / 24) * 2 * Math.PI + axis);
    const hour = 0.3 * Math.sin(hours * 2 * Math.PI + index);
    const value = mean + swing * (day + hour + 0.25 * noise(atMs + 7 * index + axis));
    return Math.round(value * 1_000) / 1_000;
  });
  return { x: x!, y: y!, z: z!, timestamp: new Date(atMs).toISOString() };
}

/** A number from -1 to 1 that looks random. */
function noise(seed: number): number {
  const wave = Math.sin(seed * 12.9898) * 43_758.5453;
  return 2 * (wave - Math.floor(wave)) - 1;
}

/** The file of the picture of the import. */
export function importFile(): string {
  const startMs = Date.UTC(2026, 5, 1);
  const rows = Array.from({ length: 2_000 }, (_, row) => {
    const { x, y, z, timestamp } = readingAt(ALL[0]!, 0, startMs + row * 60 * SECOND_MS);
    // One row is faulty.
    return `${timestamp};rp-inlet;${x};${row === 1_200 ? 'n/a' : y};${z}`;
  });
  return ['time;device;x;y;z', ...rows, ''].join('\n');
}
