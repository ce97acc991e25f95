import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { openStore, type Store } from './store.ts';
import { directory, END, entry, inPieces, link, run, symlink, tar } from './tar.fixture.ts';
import { lookAt, makeTree } from './tree.fixture.ts';

const base = mkdtempSync(join(tmpdir(), 'unboxed-layer-tar-'));
const source = join(base, 'source');
let store: Store;

beforeAll(async () => {
  mkdirSync(source);
  makeTree(source);
  store = await openStore(join(base, 'store'));
});
afterAll(() => rmSync(base, { recursive: true }));

const sha256 = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Adds it in pieces of an odd size and asks for it again. */
async function roundTrip(bytes: Buffer, stream = inPieces(bytes, 9973)) {
  const layer = await store.addLayer({ parent: null, stream });
  expect(layer.diffId).toBe(sha256(bytes));
  const again = await bytesOf(store.layerTar(layer.chainId));
  expect(again.equals(bytes)).toBe(true);
  return layer;
}

/** As GNU tar unpacks it. */
function unpackedByTar(bytes: Buffer): string {
  const path = mkdtempSync(join(base, 'by-tar-'));
  const keep = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-p'];
  run(['tar', '-xf', '-', ...keep, '-C', path], { input: bytes });
  return path;
}

const GNU = ['tar', '-cf', '-', '--numeric-owner'];
const XATTRS = ['--xattrs', '--xattrs-include=*'];
const WRITERS: Record<string, string[]> = {
  'GNU tar, gnu': [...GNU, '--format=gnu', '.'],
  'GNU tar, gnu, sparse': [...GNU, '--format=gnu', '-S', '.'],
  'GNU tar, posix': [...GNU, '--format=posix', ...XATTRS, '.'],
  'GNU tar, posix, sparse 0.0': [...GNU, '--format=posix', '-S', '--sparse-version=0.0', '.'],
  'GNU tar, posix, sparse 0.1': [...GNU, '--format=posix', '-S', '--sparse-version=0.1', '.'],
  'GNU tar, posix, sparse 1.0': [...GNU, '--format=posix', '-S', '--sparse-version=1.0', '.'],
  'GNU tar, blocks of 3': [...GNU, '--format=posix', '-b', '3', '.'],
  'GNU tar, old': [...GNU, '--format=v7', '--exclude=etc/link', 'etc', 'usr'],
  'GNU tar, ustar': [...GNU, '--format=ustar', '--exclude=etc/link', 'etc', 'usr', 'var'],
};

/** Of directories: those that are not in the tar have the time of the unpacking. */
describe.each(Object.entries(WRITERS))('a tar by %s', (_name, argv) => {
  itNeeds(
    ['root', 'tar', 'command:getfattr', 'command:setcap'],
    'unpacks as by tar, and comes out byte for byte',
    async () => {
      const bytes = run(argv, { cwd: source });
      const layer = await roundTrip(bytes);
      expect(lookAt(layer.diff)).toBe(lookAt(unpackedByTar(bytes)));
    },
  );
});

describe.each(['pax', 'gnutar', 'ustar', 'cpio'])('a tar by bsdtar, %s', (format) => {
  itNeeds(['root', 'command:bsdtar', 'command:setcap'], 'comes out byte for byte', async () => {
    const what = format === 'ustar' ? ['etc', 'usr'] : ['.'];
    if (format === 'cpio') {
      const bytes = run(['bsdtar', '-cf', '-', '--format', 'cpio', 'etc'], { cwd: source });
      await expect(roundTrip(bytes)).rejects.toThrow(/no tar/);
      return;
    }
    const options = ['--format', format, '--numeric-owner'];
    await roundTrip(run(['bsdtar', '-cf', '-', ...options, ...what], { cwd: source }));
  });
});

describe('byte for byte', () => {
  const file = { name: 'f', content: 'content' };
  const whole = tar(directory('d/'), file);
  const withBadFilling = Buffer.from(whole);
  withBadFilling.write('not zeros', 512 + 512 + 100);
  const cases: Record<string, Buffer> = {
    'a tar without an end': whole.subarray(0, -1024),
    'a tar with half an end': whole.subarray(0, -512),
    'a tar whose last filling is missing': Buffer.concat([
      entry(directory('d/')),
      entry(file),
    ]).subarray(0, -200),
    'a tar with bytes behind its end': Buffer.concat([whole, Buffer.from('behind'), whole]),
    'a tar with much behind its end': Buffer.concat([whole, Buffer.alloc(1_000_003)]),
    'a tar whose filling is not zeros': withBadFilling,
    'an empty tar': END,
    'a tar of no bytes': Buffer.alloc(0),
    'a name twice, and in between a directory': tar(
      file,
      directory('f/'),
      { ...file, name: 'f/g' },
      { name: 'f', content: 'other' },
    ),
    'a name twice with a hard link to the first': tar(file, link('h', 'f'), {
      name: 'f',
      content: 'other',
    }),
    'a name and a hard link to it, both of them twice': tar(
      ...[file, link('h', 'f'), { name: 'f', content: 'other' }, { name: 'h', content: 'third' }],
    ),
    'a symbolic link that changes its target': tar(
      ...[directory('a/'), directory('b/'), symlink('l', 'a'), { name: 'l/f', content: 'in a' }],
      ...[symlink('l', 'b'), { name: 'l/f', content: 'in b' }],
    ),
    'a whiteout with content': tar(
      { name: '.wh.gone', content: 'why' },
      { name: '.wh..wh.plnk/1', content: 'aufs' },
    ),
    'a directory with content': tar({ name: 'dir/', content: 'old', typeflag: '0' }),
    'a link with a size': tar(
      { ...link('h', 'f'), name: 'g', content: '', typeflag: '0' },
      { ...symlink('s', 'g'), size: 512 },
    ),
    'a global header': tar({ name: 'g', typeflag: 'g', content: '17 comment=hello\n' }, file),
    'a name with a line separator': tar({
      name: 'x',
      content: 'x',
      pax: [['path', Buffer.from('a\u2028b').toString('latin1')]],
    }),
  };
  it.each(Object.entries(cases))('%s', async (_name, bytes) => {
    await roundTrip(bytes);
  });

  it('a tar that was compressed, in one member or several, with gzip or zstd', async () => {
    const half = 700;
    for (const packed of [
      gzipSync(whole),
      Buffer.concat([gzipSync(whole.subarray(0, half)), gzipSync(whole.subarray(half))]),
      zstdCompressSync(whole),
    ]) {
      await roundTrip(whole, inPieces(packed, 7));
    }
  });
});

describe('what is in the store', () => {
  it('a record of segments and files, in the form of tar-split', async () => {
    const layer = await roundTrip(
      tar(directory('r/'), { name: 'r/file', content: 'twelve bytes' }),
    );
    const path = join(store.directory, 'image/layerdb/sha256', layer.chainId.slice(7));
    const lines = gunzipSync(readFileSync(join(path, 'tar-split.json.gz')))
      .toString()
      .trim()
      .split('\n');
    const records = lines.map((line) => JSON.parse(line));
    expect(records.map(({ type, name, size }) => ({ type, name, size }))).toEqual([
      { type: 2 },
      { type: 1, name: 'r' },
      { type: 2 },
      { type: 1, name: 'r/file', size: 12 },
      { type: 2 },
    ]);
    expect(Buffer.from(records[0].payload, 'base64')).toHaveLength(512);
  });

  it('another content makes it fail and says where', async () => {
    const layer = await roundTrip(tar({ name: 'some', content: 'content' }));
    writeFileSync(join(layer.diff, 'some'), 'Content');
    await expect(bytesOf(store.layerTar(layer.chainId))).rejects.toThrow(
      /some: its content has changed/,
    );
  });

  it('nothing is left of a layer that came to nothing', async () => {
    const count = () => readdirSync(join(store.directory, 'overlay2')).length;
    const before = count();
    const stream = inPieces(tar({ name: 'f' }).subarray(0, 700));
    await expect(store.addLayer({ parent: null, stream })).rejects.toThrow();
    expect(count()).toBe(before);
    expect(readdirSync(join(store.directory, 'image/layerdb/tmp'))).toEqual([]);
  });
});
