import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setXattr } from '../kernel/xattr.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { makeOpaque, makeWhiteout, overlayXattr } from '../overlay/whiteout.ts';
import { packLayer } from './pack-layer.ts';
import { inPieces, run } from './tar.fixture.ts';
import { lookAt, makeTree } from './tree.fixture.ts';
import { unpackLayer } from './unpack-layer.ts';

let base: string;
let upper: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-pack-'));
  upper = join(base, 'upper');
  mkdirSync(upper);
});
afterEach(() => rmSync(base, { recursive: true }));

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const pack = (options = {}) => bytesOf(packLayer(upper, options));
const names = (bytes: Buffer) =>
  run(['tar', '-tf', '-', '--quoting-style=literal'], { input: bytes })
    .toString()
    .trim()
    .split('\n');

describe('a tree of everything', () => {
  itNeeds(
    ['root', 'tar', 'command:setcap', 'command:getfattr'],
    'is the same after packing and unpacking, by us and by tar',
    async () => {
      makeTree(upper);
      const bytes = await pack();
      const [ours, theirs] = [join(base, 'ours'), join(base, 'theirs')];
      for (const path of [ours, theirs]) mkdirSync(path);
      await unpackLayer(inPieces(bytes, 1001), ours);
      run(['tar', '-xpf', '-', '--xattrs', '--xattrs-include=*', '--numeric-owner', '-C', theirs], {
        input: bytes,
      });
      expect(lookAt(ours)).toBe(lookAt(upper));
      // GNU tar makes no file of a name that is not UTF-8 other than it stands.
      expect(lookAt(theirs)).toBe(lookAt(upper));
    },
  );

  itNeeds(['command:bsdtar', 'command:python3'], 'is read by other programs', async () => {
    makeTree(upper);
    const bytes = await pack();
    writeFileSync(join(base, 'layer.tar'), bytes);
    const byPython = 'import sys, tarfile; print(len(tarfile.open(sys.argv[1]).getmembers()))';
    const count = names(bytes).length;
    expect(
      Number(run(['python3', '-c', byPython, join(base, 'layer.tar')])),
    ).toBeGreaterThanOrEqual(count - 1);
    run(['env', 'LC_ALL=C.UTF-8', 'bsdtar', '-tf', join(base, 'layer.tar')]);
  });

  it('gives the same bytes whenever it is packed, and wherever it was copied', async () => {
    makeTree(upper);
    const copy = join(base, 'copy');
    execFileSync('cp', ['-a', upper, copy]);
    const first = await pack();
    expect((await pack()).equals(first)).toBe(true);
    expect((await bytesOf(packLayer(copy))).equals(first)).toBe(true);
  });
});

describe('entries', () => {
  it('are sorted by bytes, a directory before what is in it', async () => {
    for (const name of ['b', 'a', 'Z']) writeFileSync(join(upper, name), '');
    for (const name of ['dir', 'dir-1']) mkdirSync(join(upper, name));
    writeFileSync(join(upper, 'dir/x'), '');
    expect(names(await pack())).toEqual(['./', 'Z', 'a', 'b', 'dir/', 'dir/x', 'dir-1/']);
  });

  it('with several names have their content once', async () => {
    writeFileSync(join(upper, 'b'), Buffer.alloc(100_000));
    linkSync(join(upper, 'b'), join(upper, 'a'));
    const bytes = await pack();
    expect(bytes.length).toBeLessThan(110_000);
    const listed = run(['tar', '-tvf', '-'], { input: bytes }).toString();
    expect(listed).toContain('b link to a');
  });

  it('can all have one time and one owner', async () => {
    writeFileSync(join(upper, 'f'), 'x');
    symlinkSync('f', join(upper, 's'));
    const bytes = await pack({ mtime: 1_700_000_000, owner: { uid: 1, gid: 2 } });
    const listed = run(['tar', '-tvf', '-', '--utc', '--full-time', '--numeric-owner'], {
      input: bytes,
    });
    const lines = listed.toString().trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(/1\/2 .* 2023-11-14 22:13:20 /);
  });

  it('of a file that is cut while it is read are refused', async () => {
    writeFileSync(join(upper, 'f'), Buffer.alloc(8 << 20));
    const stream = packLayer(upper);
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    truncateSync(join(upper, 'f'), 4096);
    const rest = async () => {
      while (!(await chunks.next()).done) {}
    };
    await expect(rest()).rejects.toThrow(/"f": has changed while it was read; stop or freeze/);
  });

  it('of sockets there are none', async () => {
    const server = createServer().listen(join(upper, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    expect(names(await pack())).toEqual(['./']);
    server.close();
  });
});

describe('what overlay says', () => {
  itNeeds(
    ['root'],
    'about names that are gone is said in the format’s way, and its attributes are not',
    async () => {
      mkdirSync(join(upper, 'new'));
      makeOpaque(join(upper, 'new'), 'trusted');
      writeFileSync(join(upper, 'new/a'), '');
      makeWhiteout(join(upper, 'gone'), 'trusted');
      setXattr(join(upper, 'new/a'), overlayXattr('trusted', 'origin'), 'x');
      const bytes = await pack();
      expect(names(bytes)).toEqual(['./', '.wh.gone', 'new/', 'new/.wh..wh..opq', 'new/a']);
      expect(bytes.includes('overlay')).toBe(false);
    },
  );

  itNeeds(['root'], 'about content elsewhere is refused', async () => {
    mkdirSync(join(upper, 'moved'));
    setXattr(join(upper, 'moved'), overlayXattr('trusted', 'redirect'), '/old');
    await expect(pack()).rejects.toThrow(
      /"moved": has the attribute overlay.redirect.*redirect_dir=off/,
    );
  });

  it('a name that would be read as a whiteout is refused', async () => {
    writeFileSync(join(upper, '.wh.x'), '');
    await expect(pack()).rejects.toThrow(/".wh.x": has a name that in a layer says/);
  });
});
