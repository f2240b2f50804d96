import { expect, it } from 'vitest';

import { isSimilar, mayBeDevice } from './column-names';

it('recognizes the names of times of other programs', () => {
  for (const name of [
    'Timestamp',
    '@timestamp',
    'ts_ms',
    'timestamp_ns',
    'created_at',
    'unix_timestamp',
    'eventTime',
    'epoch_ms',
    'Zeit [s]',
    'Horodatage',
  ]) {
    expect(isSimilar(name, 'timestamp'), name).toBe(true);
  }
  for (const name of ['battery', 'status', 'at_sea', 'temperature', 'unit', 'times_used', 'id']) {
    expect(isSimilar(name, 'timestamp'), name).toBe(false);
  }
});

it('recognizes axes with a word before or after, and a unit', () => {
  for (const name of ['x', 'AccX [g]', 'x (m/s^2)', 'acc_x', 'gyro-x', 'axis x', 'x_value'])
    expect(isSimilar(name, 'x'), name).toBe(true);
  for (const name of ['max', 'index', 'y', 'xyz', 'flux']) expect(isSimilar(name, 'x'), name).toBe(false);
});

it('recognizes devices', () => {
  expect(isSimilar('Sensor-ID', 'device_id')).toBe(true);
  expect(mayBeDevice('Gerät')).toBe(true);
  expect(mayBeDevice('temperature')).toBe(false);
});
