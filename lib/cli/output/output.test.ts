import { describe, expect, it } from 'vitest';
import { formatListing } from './listing.ts';
import { alignColumns } from './table.ts';
import { formatAge, formatSince, formatSize, formatTime, shorten, shortId } from './units.ts';

describe('sizes are Docker’s', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1024, '1.02kB'],
    [1_240_000, '1.24MB'],
    [10_000_000, '10MB'],
    [123_456_789, '123MB'],
    [1_500_000_000, '1.5GB'],
    [9_999, '10kB'],
    [999_900, '1MB'],
  ])('%i is %s', (bytes, shown) => {
    expect(formatSize(bytes)).toBe(shown);
  });

  it('with four digits where there are more', () =>
    expect(formatSize(1_234_567, 4)).toBe('1.235MB'));
});

const [SECOND, HOUR] = [1000, 3_600_000];
describe('ages are Docker’s', () => {
  it.each([
    [0, 'Less than a second'],
    [SECOND, '1 second'],
    [59 * SECOND, '59 seconds'],
    [60 * SECOND, 'About a minute'],
    [125 * SECOND, '2 minutes'],
    [HOUR, 'About an hour'],
    [2 * HOUR, '2 hours'],
    [47 * HOUR, '47 hours'],
    [48 * HOUR, '2 days'],
    [14 * 24 * HOUR, '2 weeks'],
    [60 * 24 * HOUR, '2 months'],
    [800 * 24 * HOUR, '2 years'],
  ])('%i ms are %s', (milliseconds, shown) => {
    expect(formatAge(milliseconds)).toBe(shown);
  });

  it('of what has no time is N/A', () => expect(formatSince(null)).toBe('N/A'));
});

it('a time is the machine’s own, with its zone', () => {
  const { TZ } = process.env;
  process.env.TZ = 'UTC';
  expect(formatTime('2026-01-02T03:04:05.6Z')).toBe('2026-01-02 03:04:05 +0000 UTC');
  if (TZ === undefined) delete process.env.TZ;
  else process.env.TZ = TZ;
});

it('an id has twelve digits, a text what fits', () => {
  expect(shortId(`sha256:${'0123456789abcdef'.repeat(4)}`)).toBe('0123456789ab');
  expect([shorten('12345', 5), shorten('123456', 5)]).toEqual(['12345', '1234…']);
});

it('columns are as wide as their widest cell and three spaces, but for the last', () => {
  expect(alignColumns(['A\tLONGER HEAD\tZ', 'x\ty\ta long cell'])).toBe(
    'A         LONGER HEAD   Z\nx         y             a long cell',
  );
});

describe('a list', () => {
  const rows = [
    { ID: '1', Size: '3B' },
    { ID: '2', Size: '44B' },
  ];
  const columns = { headings: { ID: 'THE ID', Size: 'SIZE' }, shown: ['Size', 'ID'] };
  const print = (format?: string) => formatListing(rows, columns, format);

  it('is a table', () => {
    expect(print()).toBe('SIZE      THE ID\n3B        1\n44B       2\n');
    expect(print('table')).toBe(print());
  });
  it('has the columns that are asked for', () => {
    expect(print('table {{.ID}}\\t{{.Size}}')).toBe(
      'THE ID    SIZE\n1         3B\n2         44B\n',
    );
  });
  it('is an object a line, or what a template says', () => {
    expect(print('json')).toBe('{"ID":"1","Size":"3B"}\n{"ID":"2","Size":"44B"}\n');
    expect(print('{{.ID}}/{{.Size}}')).toBe('1/3B\n2/44B\n');
  });
  it('names a field that is not there', () => {
    expect(() => print('{{.No}}')).toThrow('no field No; there are ID, Size');
  });
});
