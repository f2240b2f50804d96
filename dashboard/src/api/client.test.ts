import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('location', { origin: 'http://127.0.0.1' });
const { nextCursor } = await import('./client');

describe('the cursor of the next page', () => {
  it('is in the address of the header', () => {
    expect(nextCursor('</api/v1/devices?limit=50&after=117>; rel="next"')).toBe(117);
  });

  it('is missing on the last page', () => {
    expect(nextCursor(null)).toBeNull();
    expect(nextCursor('</api/v1/devices>; rel="prev"')).toBeNull();
  });
});
