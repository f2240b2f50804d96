/** The view: everything that decides what the page shows. It fits into the address. */
import { ANY, type AuditConditions } from '../access/conditions';
import type { Range } from '../time/range';

export const PAGES = ['fleet', 'device', 'user', 'import', 'tokens', 'audit', 'service'] as const;
export type Page = (typeof PAGES)[number];

export const AXES = ['x', 'y', 'z', 'magnitude'] as const;
export type Axis = (typeof AXES)[number];
/** The axes that a device sends. The magnitude is computed from them. */
export type MeasuredAxis = 'x' | 'y' | 'z';

export const STATES = ['reporting', 'silent', 'waiting', 'wrong_clock'] as const;
export type FleetState = (typeof STATES)[number];

export const DEVICE_TABS = ['signal', 'path'] as const;
export type DeviceTab = (typeof DEVICE_TABS)[number];

export interface View {
  page: Page;
  /** The device of the page `device`. */
  deviceId: string | null;
  /** The user of the page `user`; on the page `fleet`, only devices of this user. */
  userId: number | null;
  range: Range;
  /** The second window of the page `user`, for the comparison. */
  compareWith: Range | null;
  /** IANA name of the zone of all times; `null` for the viewer's zone. */
  zone: string | null;
  tab: DeviceTab;
  /** The axes that are shown, in the order of `AXES`; one or more. */
  axes: readonly Axis[];
  /** The axes of the path: horizontal and vertical. */
  pathAxes: readonly [MeasuredAxis, MeasuredAxis];
  /** The percentiles beside the plot, in percent, ascending. */
  percentiles: readonly number[];
  /** The text that the fleet is searched for. */
  search: string;
  /** Only devices in this state; `null` for all. */
  state: FleetState | null;
  /** Conditions on the entries of the page `audit`. */
  audit: AuditConditions;
}

export const START: View = {
  page: 'fleet',
  deviceId: null,
  userId: null,
  range: { kind: 'last', seconds: 3600 },
  compareWith: null,
  zone: null,
  tab: 'signal',
  axes: ['x', 'y', 'z'],
  pathAxes: ['x', 'y'],
  percentiles: [5, 25, 75, 95],
  search: '',
  state: null,
  audit: ANY,
};
