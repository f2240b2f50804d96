import { execFileSync } from 'node:child_process';

import fc from 'fast-check';
import { expect, it } from 'vitest';

import { analysisCurl, analysisQuery, exportAddress, pathOf, shellText } from './request';

const ORIGIN = 'http://127.0.0.1:8000';
const HOUR = { fromUs: 1_795_428_000_000_000, untilUs: 1_795_431_600_000_000 };

it('writes a command that a person can read', () => {
  const query = analysisQuery(HOUR, [5, 99.9], true);
  expect(analysisCurl(ORIGIN, { deviceId: 'pump-7' }, query, false)).toBe(
    "curl 'http://127.0.0.1:8000/api/v1/stats/devices/pump-7/analysis?start_time=2026-11-23T10:00:00.000000Z" +
      "&until=2026-11-23T11:00:00.000000Z&percentiles=5,99.9&stats=mean,stddev&magnitude=true'",
  );
  expect(analysisCurl(ORIGIN, { userId: 3 }, analysisQuery(null, [], false), true)).toBe(
    `curl -H "Authorization: Bearer $TOKEN" 'http://127.0.0.1:8000/api/v1/stats/users/3/analysis?stats=mean,stddev'`,
  );
});

it('names every device by one segment of the path', () => {
  const id = fc.string({ minLength: 1, unit: 'grapheme' }).filter((id) => !/^\.\.?$/.test(id));
  fc.assert(
    fc.property(id, (deviceId) => {
      const { pathname } = new URL(ORIGIN + pathOf({ deviceId }, 'analysis'));
      const parts = pathname.split('/');
      expect(parts).toHaveLength(7);
      expect(decodeURIComponent(parts[5]!)).toBe(deviceId);
    }),
  );
});

it('writes any text as one word of a shell', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const script = `printf '%s\\0' start ${texts.map(shellText).join(' ')}`;
      const words = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0');
      expect(words.slice(1, -1)).toEqual(texts);
    }),
    { numRuns: 30 },
  );
});

it('exports the same window', () => {
  expect(exportAddress({ deviceId: 'a/b' }, HOUR, 'parquet')).toBe(
    '/api/v1/stats/devices/a%2Fb/export?format=parquet' +
      '&start_time=2026-11-23T10:00:00.000000Z&until=2026-11-23T11:00:00.000000Z',
  );
  expect(exportAddress({ userId: 3 }, null, 'csv')).toBe('/api/v1/stats/users/3/export?format=csv');
});
