/** What is still missing or wrong before a file can be imported. */
import { ROLE_NAMES, ROLES, type Mapping } from './mapping';
import { deviceFault } from './reading-rules';
import { timeParser } from './time-format';

/** Returns descriptions of everything that must be corrected before the import. */
export function problemsOf(mapping: Mapping): string[] {
  const { roles, device } = mapping;
  const problems: string[] = [];
  for (const role of ROLES) {
    if (roles.filter((other) => other === role).length > 1) {
      problems.push(`More than one column is “${ROLE_NAMES[role]}”. Choose one of them.`);
    }
  }
  const missing = (['x', 'y', 'z'] as const).filter((axis) => !roles.includes(axis));
  if (missing.length > 0)
    problems.push(`Choose the ${missing.length === 1 ? 'column' : 'columns'} of ${joined(missing)}.`);
  if (roles.includes('device_id')) {
    if (device !== '') problems.push('A column names the devices. Leave “One device for all rows” empty.');
  } else if (device === '') {
    problems.push('Choose the column of the device, or enter one device for all rows.');
  } else if (deviceFault(device)) {
    problems.push(`This device id is not valid: ${deviceFault(device)}.`);
  }
  if (roles.includes('time_of_day') && !roles.includes('timestamp')) {
    problems.push('Choose the column of the date as “Time”: the time of day alone is not enough.');
  } else if (!roles.includes('timestamp') && !mapping.missingTimesAreNow) {
    problems.push('Choose the column of the time, or let all rows get the time of their arrival.');
  }
  const { form } = mapping.times;
  if (form !== null && !timeParser(form)) problems.push(`The pattern of the times is not known: ${form}.`);
  return problems;
}

function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
