import { describe, expect, it } from 'vitest';
import { run } from './tar.fixture.ts';
import { encodeHeader } from './tar-header.ts';
import { decodePax, decodeTime, encodePax, encodeTime, type PaxRecord } from './tar-pax.ts';

describe('records', () => {
  it('count their own length, also where that makes it longer', () => {
    for (const length of [0, 1, 90, 91, 92, 93, 94, 990, 991, 992, 993, 994, 995]) {
      const records: PaxRecord[] = [['path', 'x'.repeat(length)]];
      const bytes = encodePax(records);
      expect(Number.parseInt(bytes.toString(), 10)).toBe(bytes.length);
      expect(decodePax(bytes)).toEqual(records);
    }
  });

  it('may have any bytes for a value', () => {
    const value = Buffer.from([0, 10, 61, 32, 255, 254, 128]).toString('latin1');
    const records: PaxRecord[] = [
      ['SCHILY.xattr.a', value],
      ['b', 'x=y\n'],
    ];
    expect(decodePax(encodePax(records))).toEqual(records);
  });

  it.each(['x', '5 a=b\n', '6 a b\n', '06 a=b\n', '-6 a=b\n', '99 a=b\n', '1e1 a=b\n'])(
    'that are damaged are refused: %j',
    (text) => {
      expect(() => decodePax(Buffer.from(text))).toThrow(/damaged/);
    },
  );
});

describe('times', () => {
  it.each<[string, number, number]>([
    ['0', 0, 0],
    ['1700000000', 1_700_000_000, 0],
    ['1.5', 1, 500_000_000],
    ['1.000000001', 1, 1],
    ['-1', -1, 0],
    ['-0.5', -1, 500_000_000],
    ['-1.25', -2, 750_000_000],
  ])('%s', (text, seconds, nanoseconds) => {
    expect(decodeTime(text)).toEqual({ seconds, nanoseconds });
    expect(encodeTime(seconds, nanoseconds)).toBe(text);
  });

  it('finer than nanoseconds are cut', () => {
    expect(decodeTime('1.1234567899')).toEqual({ seconds: 1, nanoseconds: 123_456_789 });
  });

  it('that are none are refused', () => {
    expect(() => decodeTime('now')).toThrow(/for a time/);
  });
});

it('a header is what tar reads', () => {
  const header = encodeHeader({
    ...{ name: 'dir/file', mode: 0o4755, uid: 1000, gid: 100, size: 0, mtime: 1_000_000_000 },
    ...{ typeflag: '0', linkname: '', devmajor: 0, devminor: 0 },
  });
  const list = ['tar', '-tvf', '-', '--numeric-owner', '--utc', '--full-time'];
  expect(run(list, { input: Buffer.concat([header, Buffer.alloc(1024)]) }).toString()).toBe(
    '-rwsr-xr-x 1000/100          0 2001-09-09 01:46:40 dir/file\n',
  );
});
