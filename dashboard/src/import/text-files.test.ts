import { describe, expect, it } from 'vitest';

import { fileOf, fixture, gzipFile, open, rowsOf } from './test-files';
import { compressionOf, kindOf } from './file-kind';
import { inspect, recognizeFormat } from './preview';

const bytes = (text: string) => new TextEncoder().encode(text);

function utf16(text: string, isBig: boolean, mark: string): Uint8Array {
  const codes = Uint16Array.from(mark + text, (character) => character.charCodeAt(0));
  const view = new DataView(new ArrayBuffer(codes.length * 2));
  for (const [at, code] of codes.entries()) view.setUint16(at * 2, code, !isBig);
  return new Uint8Array(view.buffer);
}

const TABLE = 'device_id,timestamp,x,y,z\nä,2026-11-23T10:00:00Z,1,2,3\n';

describe('the format', () => {
  it.each([
    ['{"x":1}\n', 'a.json', 'ndjson'],
    [' [ {"x":1}]', 'a.csv', 'json'],
    ['[]', 'a', 'json'],
    ['[time],[x]\n1,2\n', 'a.csv', 'csv'],
    [TABLE, 'a.ndjson', 'ndjson'],
    [TABLE, 'a.txt', 'csv'],
    ['PAR1....', 'a.csv', 'parquet'],
    ['ARROW1..', 'a.csv', 'arrow'],
  ])('of %j called %s is %s', (content, name, kind) => expect(kindOf(bytes(content), name)).toBe(kind));

  it.each([
    ['PK\u0003\u0004', /Excel workbook/],
    ['BZh91AY', /bzip2/],
    ['SQLite format 3\u0000', /SQLite/],
    ['GIF89a\u0000\u0001\u0002', /neither text nor a format/],
    ['', /is empty/],
  ])('of %j is refused with advice', (content, words) =>
    expect(() => kindOf(bytes(content), 'a.csv')).toThrow(words),
  );

  it('of a compressed file is that of its content', async () => {
    expect(compressionOf(new Uint8Array([0x50, 0x2a, 0x4d, 0x18]))).toBe('zstd');
    expect(await recognizeFormat(gzipFile('{"x":1}\n', 'a.csv'))).toMatchObject({
      kind: 'ndjson',
      compression: 'gzip',
    });
    await expect(recognizeFormat(gzipFile('PAR1....', 'a.parquet.gz'))).rejects.toThrow(
      /Decompress it first/,
    );
    await expect(recognizeFormat(fileOf('', 'a.csv'))).rejects.toThrow(/is empty/);
  });
});

describe('a table', () => {
  it.each<[string, Uint8Array]>([
    ['utf-8', bytes(TABLE)],
    ['utf-8', bytes(`\uFEFF${TABLE}`)],
    ['utf-16le', utf16(TABLE, false, '\uFEFF')],
    ['utf-16be', utf16(TABLE, true, '\uFEFF')],
    ['utf-16le', utf16(TABLE, false, '')],
    ['windows-1252', Uint8Array.from(TABLE, (character) => character.charCodeAt(0))],
  ])('in %s is read', async (encoding, content) => {
    const file = fileOf(content, 'a.csv');
    expect(await recognizeFormat(file)).toMatchObject({ kind: 'csv', encoding, hasHeader: true });
    const source = await open(file);
    expect(source.columns.map(({ name }) => name)).toEqual(['device_id', 'timestamp', 'x', 'y', 'z']);
    expect(await rowsOf(source)).toEqual([
      { number: 2, cells: ['ä', '2026-11-23T10:00:00Z', '1', '2', '3'] },
    ]);
  });

  it.each([
    ['a;b;c\n1;2;3\n', { delimiter: ';', hasHeader: true }],
    ['sep=\t\r\na\tb\r\n1\t2\r\n', { delimiter: '\t' }],
    ['device_id|x|y|z,w\n', { delimiter: '|' }],
    ['x;y;z;device_id\n1,5;2,5;3,5;a\n', { delimiter: ';' }],
    ['# made by a logger\nx,y\n', { comment: '#', delimiter: ',' }],
    ['pump,2026-11-23T10:00:00Z,1,2,3\n', { hasHeader: false }],
  ])('%j is recognized', async (content, layout) =>
    expect(await recognizeFormat(fileOf(content, 'a.csv'))).toMatchObject(layout),
  );

  it('has rows of its own lines, and faults of their own', async () => {
    const content = 'sep=;\n# note\nx;y\n\n"1\n2"; \'-a \n3\n4;"5"6\n';
    const source = await open(fileOf(content.replace('# note\n', ''), 'a.csv'));
    expect(await rowsOf(source)).toEqual([
      { number: 4, cells: ['1\n2', '-a'] },
      { number: 6, cells: ['3'], problem: 'the row has 1 cells, but the header has 2' },
      { number: 7, cells: ['4', '56'], problem: 'text follows the closing quote of a cell' },
    ]);
  });

  it('without a header has numbered columns, and loses no row', async () => {
    const source = await open(fileOf('a,1,2,3\nb,4,5,6\n', 'a.csv'));
    expect(source.columns.map(({ name }) => name)).toEqual(['Column 1', 'Column 2', 'Column 3', 'Column 4']);
    expect((await rowsOf(source)).map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('JSON', () => {
  it('has the members of the first objects as columns', async () => {
    const source = await open(fileOf('{"x":1}\n\nnonsense\n{"y":[1],"x":null}\r\n', 'a.ndjson'));
    expect(source.columns.map(({ name }) => name)).toEqual(['x', 'y']);
    expect(await rowsOf(source)).toEqual([
      { number: 1, cells: [1, null] },
      { number: 3, cells: [], problem: 'Input should be an object in JSON' },
      { number: 4, cells: [null, null] },
    ]);
  });

  it('keeps the digits of times that a double cannot hold', async () => {
    const { openSource } = await import('./open-source');
    const file = fileOf('[{"note":"\\"ts\\": 5","ts" : 1795428000123456789,"x":0.1}]', 'a.json');
    const source = await openSource(file, await recognizeFormat(file), ['ts']);
    expect(await rowsOf(source)).toEqual([{ number: 1, cells: ['"ts": 5', '1795428000123456789', 0.1] }]);
  });

  it.each([
    ['[{"x":1},]', /Line 1: an element is missing/],
    ['[{"x":1}\n', /Line 1: the array is not closed/],
    ['[{"x":1}] []', /something follows the array/],
    ['[1,2]', /must contain JSON objects/],
    ['[]', /has no rows/],
  ])('%j is refused', async (content, words) => {
    await expect(open(fileOf(content, 'a.json')).then((source) => rowsOf(source))).rejects.toThrow(words);
  });
});

describe('compression', () => {
  it('changes nothing about the rows', async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, row) => `pump-${row % 3},${1_795_428_000 + row},${row},${Math.sin(row)},${row % 5}`,
    );
    const rows = await rowsOf(
      await open(gzipFile(`device_id,timestamp,x,y,z\n${lines.join('\n')}\n`, 'a.csv.gz')),
    );
    expect(rows.map(({ cells }) => cells.join(','))).toEqual(lines);
    expect(rows.at(-1)?.number).toBe(20_001);
  });

  it('with zstd is read', async () => {
    const rows = await rowsOf(await open(fixture('readings.csv.zst')));
    const expected = Array.from({ length: 2_000 }, (_, row) =>
      [`pump-${row % 3}`, 1_795_428_000 + row, row, row * row, row % 5].join(),
    );
    expect(rows.map(({ cells }) => cells.join(','))).toEqual(expected);
  });

  it('that is cut off is a fault', async () => {
    const zstd = await fixture('readings.csv.zst').bytes();
    const gzip = await gzipFile(TABLE.repeat(1_000), 'a').bytes();
    for (const [content, name] of [
      [zstd, 'zstd'],
      [gzip, 'gzip'],
    ] as const) {
      const source = open(fileOf(content.slice(0, -20), 'a.csv'));
      await expect(source.then((opened) => rowsOf(opened))).rejects.toThrow(
        `${name} data is damaged or cut off`,
      );
    }
  });

  it('of several joined zstd files is read to its end', async () => {
    const zstd = await fixture('readings.csv.zst').bytes();
    const twice = new Uint8Array(await new Blob([zstd, zstd]).arrayBuffer());
    expect(await rowsOf(await open(fileOf(twice, 'a.csv.zst')))).toHaveLength(4_001);
  });
});

it('the preview of a large file reads only its beginning', async () => {
  const file = fileOf(TABLE + 'a,2026-11-23,1,2,3\n'.repeat(500_000), 'a.csv');
  let read = 0;
  const slice = file.slice.bind(file);
  file.slice = (begin = 0, end = 0) => {
    read += end - begin;
    return slice(begin, end);
  };
  const { rows } = await inspect(file, null);
  expect(rows).toHaveLength(100);
  expect(read).toBeLessThan(4 * 1024 * 1024);
});
