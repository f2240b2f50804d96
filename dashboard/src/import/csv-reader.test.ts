import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CsvReader, type CsvRecord } from './csv-reader';

function read(text: string, piece: number, reader = new CsvReader(',')): CsvRecord[] {
  const records: CsvRecord[] = [];
  for (let at = 0; at < text.length; at += piece)
    records.push(...reader.read(text.slice(at, at + piece), false));
  return [...records, ...reader.read('', true)];
}

describe('CsvReader', () => {
  it('returns the same records however the text is divided', () => {
    const text = 'a,b\r\n"1\r\n2",3\r\r"x""y","",z\n\n4,5,';
    const expected = [
      { line: 1, cells: ['a', 'b'] },
      { line: 2, cells: ['1\r\n2', '3'] },
      { line: 5, cells: ['x"y', '', 'z'] },
      { line: 7, cells: ['4', '5', ''] },
    ];
    for (let piece = 1; piece <= text.length; piece += 1) expect(read(text, piece)).toEqual(expected);
  });

  it('ignores comments and blank lines, but counts their lines', () => {
    const text = '# a "b\r\n\r\n#\nx,y\r# "\n"1\n#2",3\n#end';
    for (let piece = 1; piece <= text.length; piece += 1) {
      expect(read(text, piece, new CsvReader(',', '#'))).toEqual([
        { line: 4, cells: ['x', 'y'] },
        { line: 6, cells: ['1\n#2', '3'] },
      ]);
    }
  });

  it('names each violation of RFC 4180', () => {
    const problem = (text: string) => read(text, 100).map((record) => record.problem);
    expect(problem('"1"2,3\n4,5')).toEqual(['text follows the closing quote of a cell', undefined]);
    expect(problem('1"2,3\n')).toEqual(['a quote is inside a cell that does not begin with one']);
    expect(problem('1,"2\n3')).toEqual(['the input ends inside quotes']);
    expect(problem('1,"')).toEqual(['the input ends inside quotes']);
    expect(problem('"a","b"')).toEqual([undefined]);
  });

  it('restores every table that is written by RFC 4180', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '1', '"', ',', ';', '\n', '\r', ' ', 'é') });
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        table,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('\n', '\r\n', '\r'),
        (rows, piece, end) => {
          const quote = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
          const lines = rows.map((row) => row.map(quote).join(','));
          const records = read(lines.join(end), piece);
          expect(records.map((record) => record.cells)).toEqual(rows);
          expect(records.every((record) => record.problem === undefined)).toBe(true);
          // The line of each record is the number of line breaks before it.
          const count = (text: string) => text.match(/\r\n|\r|\n/g)?.length ?? 0;
          const before = lines.map((_, at) => count(lines.slice(0, at).join(end) + (at > 0 ? end : '')));
          expect(records.map((record) => record.line)).toEqual(before.map((breaks) => breaks + 1));
        },
      ),
    );
  });

  it('gives up a row that does not end', () => {
    const reader = new CsvReader(',');
    expect(() => {
      for (let piece = 0; piece < 20; piece += 1) reader.read(`"${'a'.repeat(1024 * 1024)}`, false);
    }).toThrow(/Line 1: the row is too long/);
  });
});
