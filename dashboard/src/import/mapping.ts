/** The meaning of the columns of a file. */
import type { TimeRules } from './file-times';
import type { Target } from './column-names';

/** The meaning of a column. With a `time_of_day`, the column of the `timestamp` contains only the date. */
export type Role = Target | 'time_of_day';

/** The names of the roles on the page. */
export const ROLE_NAMES: Record<Role, string> = {
  device_id: 'Device',
  timestamp: 'Time',
  time_of_day: 'Time of day',
  x: 'x',
  y: 'y',
  z: 'z',
};
export const ROLES = Object.keys(ROLE_NAMES) as Role[];

/** How the rows of a file become readings. The user can correct all of it. */
export interface Mapping {
  /** The role of each column; `null` for an ignored column. */
  roles: (Role | null)[];
  /** The device of all rows; empty if a column names the devices. */
  device: string;
  /** Whether numbers in texts have a decimal comma. */
  hasDecimalComma: boolean;
  times: TimeRules;
  /** Whether rows without a time get the current time of the server. Otherwise they are faulty. */
  missingTimesAreNow: boolean;
}

/** The positions of the columns of a reading; `null` for an absent one. */
export type Plan = Record<Role, number | null>;

/** Returns the positions of the columns. A repeated role has its first column. */
export function planOf(roles: readonly (Role | null)[]): Plan {
  const at = (role: Role) => {
    const position = roles.indexOf(role);
    return position < 0 ? null : position;
  };
  return {
    device_id: at('device_id'),
    timestamp: at('timestamp'),
    time_of_day: at('time_of_day'),
    x: at('x'),
    y: at('y'),
    z: at('z'),
  };
}
