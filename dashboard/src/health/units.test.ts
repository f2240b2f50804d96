import { describe, expect, it } from 'vitest';

import { bytesText, waitText } from './units';

describe('units', () => {
  it('have three digits', () => {
    expect([0, 999, 1_000, 1_023, 1_536, 1_040_000_000, 2 ** 50].map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '0.977 KiB',
      '0.999 KiB',
      '1.5 KiB',
      '992 MiB',
      '1 PiB',
    ]);
    expect([0, 0.0012, 0.05, 0.9996, 2.5].map(waitText)).toEqual(['0 ms', '1.2 ms', '50 ms', '1 s', '2.5 s']);
  });
});
