import fc from 'fast-check';
import { expect, it } from 'vitest';

import { csvCell, withoutProtection } from './csv-cell';
import { CsvReader } from './csv-reader';

it.each([
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ['+cmd', "'+cmd"],
  ['@SUM(1)', "'@SUM(1)"],
  ["'=1", "''=1"],
  ['-inf', "'-inf"],
  ['-7', '-7'],
  ['+1.5e3', '+1.5e3'],
  ['pump-7', 'pump-7'],
  ["'a", "'a"],
  ['', ''],
])('writes %j without a formula', (text, cell) => expect(csvCell(text)).toBe(cell));

it('restores every text', () => {
  const text = fc.string({
    unit: fc.constantFrom("'", '=', '+', '-', '@', 'a', '1', '.', '"', ',', '\n'),
    maxLength: 8,
  });
  fc.assert(
    fc.property(text, (text) => {
      const [record] = new CsvReader(',').read(`${csvCell(text)},\n`, true);
      expect(withoutProtection(record!.cells[0]!)).toBe(text);
    }),
  );
});
