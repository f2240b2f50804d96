/**
 * Names of columns in other programs that probably contain one of our values. The lists are the lists of the
 * command `device-stats import` (`misnamed.rs`), so that both make the same guess.
 */

/** A value of a reading. */
export type Target = 'device_id' | 'timestamp' | 'x' | 'y' | 'z';
/** All targets, in the order of the columns of an export. */
export const TARGETS: readonly Target[] = ['device_id', 'timestamp', 'x', 'y', 'z'];

const words = (text: string) => new Set(text.trim().split(/\s+/));

/** Words for the time of a reading. */
const TIMES = words('time ts date datetime timestamp at when t epoch unix utc unixtime');
/** Words that stand before a word for the time of a reading. */
const OF_READINGS =
  words(`unix epoch utc event reading measurement sample recorded record measured observed observation
  created captured sampled logged log received device sensor`);
/** Units that stand after a word for the time of a reading. */
const UNITS = words('ms us ns s sec seconds millis micros nanos utc');
/** Names of the time in other languages. */
const OTHER_TIMES =
  words(`datum uhrzeit zeit zeitpunkt zeitstempel messzeit messzeitpunkt datumuhrzeit datumzeit recorded
  measured observed sampled fecha hora fechahora datahora dataora heure horodatage dateheure tijd tijdstip dato tid
  tidspunkt czas`);
/** Words that stand before the letter of an axis. */
const OF_AXES =
  words(`a acc accel acceleration accelerometer linearacceleration lin gyro gyroscope g mag magnetometer
  magneticfield vib vibration velocity axis val value sensor channel ch dir`).add('');
const DEVICES = words('deviceid device deviceuid deviceuuid sensor sensorid');
/** Names of columns that name a device, unless another column does. */
const OTHER_DEVICES =
  words(`dev devid devicename sensorname id name serial serialno serialnumber seriennummer gerät geraet
  gerätid geraeteid maschine machine node nodeid mac macaddress uid uuid host hostname logger station asset tag`);

/** Names of a date, and of a time of day. */
export const DATES = words('date datum fecha dato jour');
export const TIMES_OF_DAY = words('time uhrzeit zeit hora heure tijd tid');

/** Returns a name in lower case, without surrounding blanks. */
export function toPlain(name: string): string {
  return name.trim().toLowerCase();
}

/** Returns whether a column may name the device. */
export function mayBeDevice(column: string): boolean {
  return OTHER_DEVICES.has(lettersOf(column));
}

/** Returns whether a column probably contains the values of a target. A unit in brackets does not matter. */
export function isSimilar(column: string, target: Target): boolean {
  const plain = lettersOf(column.split(/[[(]/)[0] ?? column);
  if (target === 'device_id') return DEVICES.has(plain);
  if (target === 'timestamp') return isTimeOfReading(plain) || OTHER_TIMES.has(plain);
  if (plain.endsWith(target)) return OF_AXES.has(plain.slice(0, -1));
  return plain.startsWith(target) && OF_AXES.has(plain.slice(1));
}

/**
 * Returns whether a name is a word for a time, with an optional word before and an optional unit after it.
 */
function isTimeOfReading(plain: string): boolean {
  const names = [
    plain,
    ...[...UNITS].filter((unit) => plain.endsWith(unit)).map((unit) => plain.slice(0, -unit.length)),
  ];
  const without = (name: string) =>
    [...OF_READINGS].filter((word) => name.startsWith(word)).map((word) => name.slice(word.length));
  return names.some((name) => [name, ...without(name)].some((rest) => TIMES.has(rest)));
}

/** Returns only the letters and digits of a name, in lower case. */
function lettersOf(name: string): string {
  return name.replace(/[^\p{Alphabetic}\p{N}]/gu, '').toLowerCase();
}
