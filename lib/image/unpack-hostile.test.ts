/**
 * What if the layer wants to harm the host? Each tar here is made for that. Where it makes sense it is
 * given to `tar -x` without its protections first, to see that it is no empty threat.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { aclFor } from '../overlay/acl.fixture.ts';
import { directory, END, entry, inPieces, link, type Part, symlink, tar } from './tar.fixture.ts';
import { encodePax } from './tar-pax.ts';
import { unpackLayer } from './unpack-layer.ts';

let base: string;
let root: string;
let outside: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-hostile-'));
  setUp();
});
afterEach(() => rmSync(base, { recursive: true }));

function setUp(): void {
  rmSync(base, { recursive: true });
  root = join(base, 'root');
  outside = join(base, 'outside');
  mkdirSync(root, { recursive: true });
  mkdirSync(outside, { mode: 0o700 });
  writeFileSync(join(outside, 'secret'), 'secret', { mode: 0o600 });
  for (const path of [join(outside, 'secret'), outside]) utimesSync(path, 1000, 1000);
}

/** Everything that can be seen of what lies outside, and whether something came beside it. */
function lookOutside(): unknown {
  const look = (path: string) => {
    const { mode, uid, nlink, mtimeMs, size } = lstatSync(path);
    return { mode, uid, nlink, mtimeMs, size };
  };
  return {
    beside: readdirSync(base).sort(),
    names: readdirSync(outside),
    directory: look(outside),
    secret: look(join(outside, 'secret')),
    content: readFileSync(join(outside, 'secret'), 'utf8'),
    attributes: [outside, join(outside, 'secret')].map((path) =>
      spawnSync('getfattr', ['-d', '-m', '-', path]).stdout.toString(),
    ),
  };
}

const unpack = (bytes: Buffer, limits = {}) => unpackLayer(inPieces(bytes), root, { limits });

/** Whether tar without its protections does harm with it. */
function harmsNaively(bytes: Buffer): boolean {
  setUp();
  const before = lookOutside();
  spawnSync('tar', ['-xPf', '-', '-C', root], { input: bytes });
  const after = lookOutside();
  setUp();
  return JSON.stringify(after) !== JSON.stringify(before);
}

const acl = aclFor(7).toString('latin1');

interface Attack {
  name: string;
  /** What is refused; without it the layer is unpacked, and harms nobody. */
  refused?: RegExp;
  /** For those by which GNU tar is not harmed even so. */
  harmless?: true;
  parts: () => (Part | Buffer)[];
}

const attacks: Attack[] = [
  {
    name: 'a name with ..',
    refused: /has \.\. in its name/,
    parts: () => [{ name: '../outside/pwned', content: 'x' }],
  },
  {
    name: 'a name with .. behind a directory',
    refused: /has \.\. in its name/,
    parts: () => [directory('a/'), { name: 'a/../../outside/pwned', content: 'x' }],
  },
  {
    name: 'an absolute name',
    parts: () => [{ name: join(outside, 'pwned'), content: 'x' }],
  },
  {
    name: 'a long name that is absolute (GNU)',
    parts: () => [
      entry({ name: 'L', typeflag: 'L', content: `${outside}/${'./'.repeat(60)}pwned\0` }),
      { name: 'short', content: 'x' },
    ],
  },
  {
    name: 'a pax path with ..',
    refused: /has \.\. in its name/,
    parts: () => [{ name: 'short', content: 'x', pax: [['path', '../outside/pwned']] }],
  },
  {
    name: 'a relative symbolic link, and a file through it',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', '../outside'), { name: 'd/pwned', content: 'x' }],
  },
  {
    name: 'an absolute symbolic link, and a file through it',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', outside), { name: 'd/pwned', content: 'x' }],
  },
  {
    name: 'a symbolic link to a symbolic link, and a directory through both',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('a', '..'), symlink('b', 'a/outside'), directory('b/pwned/')],
  },
  {
    name: 'a symbolic link to /proc/self/root, and a file through it',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', `/proc/self/root${outside}`), { name: 'd/pwned', content: 'x' }],
  },
  {
    name: 'a file over a symbolic link',
    harmless: true,
    parts: () => [symlink('f', join(outside, 'secret')), { name: 'f', content: 'owned' }],
  },
  {
    name: 'a directory over a symbolic link, with another mode',
    harmless: true,
    parts: () => [symlink('d', outside), directory('d/', { mode: 0o777 })],
  },
  {
    name: 'a hard link to what is outside, by ..',
    refused: /has \.\. in its name/,
    parts: () => [link('h', '../outside/secret')],
  },
  {
    name: 'a hard link to what is outside, by an absolute name',
    refused: /not in this layer/,
    parts: () => [link('h', join(outside, 'secret'))],
  },
  {
    name: 'a hard link to what is outside, through a symbolic link',
    refused: /not in this layer/,
    parts: () => [symlink('d', '../outside'), link('h', 'd/secret')],
  },
  {
    name: 'a hard link to a symbolic link, and a file over it',
    harmless: true,
    parts: () => [
      symlink('f', join(outside, 'secret')),
      link('h', 'f'),
      { name: 'h', content: 'owned' },
    ],
  },
  {
    name: 'a device, a FIFO and a file through a symbolic link',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', '../outside'), { name: 'd/pipe', typeflag: '6' }],
  },
  {
    name: 'a directory’s time, set at the end, where a symbolic link is by then',
    harmless: true,
    parts: () => [directory('d/', { mtime: 5 }), symlink('d', '../outside')],
  },
  {
    name: 'a default ACL, set at the end, where a symbolic link is by then',
    harmless: true,
    parts: () => [
      directory('d/', { pax: [['SCHILY.xattr.system.posix_acl_default', acl]] }),
      symlink('d', '../outside'),
    ],
  },
  {
    name: 'a long link name (GNU) to what is outside',
    refused: /has \.\. in its name/,
    parts: () => [
      entry({ name: 'K', typeflag: 'K', content: `${'./'.repeat(60)}../outside/secret\0` }),
      link('h', 'short'),
    ],
  },
  {
    name: 'modes, owners and attributes on a symbolic link',
    harmless: true,
    parts: () => [
      symlink('s', join(outside, 'secret'), { mode: 0o4777, uid: 33, gid: 33 }),
      symlink('t', join(outside, 'secret'), { pax: [['SCHILY.xattr.user.owned', 'yes']] }),
    ],
  },
  {
    name: 'a whiteout of ..',
    refused: /whiteout of nothing that can be gone/,
    harmless: true,
    parts: () => [directory('d/'), { name: 'd/.wh...' }],
  },
  {
    name: 'a whiteout through a symbolic link',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', '../outside'), { name: 'd/.wh.secret' }],
  },
  {
    name: 'an opaque mark through a symbolic link',
    refused: /symbolic link that leads nowhere/,
    parts: () => [symlink('d', '../outside'), { name: 'd/.wh..wh..opq' }],
  },
];

describe.each(attacks)('$name', ({ refused, harmless, parts }) => {
  itNeeds(['root', 'tar'], 'does no harm', async () => {
    if (!harmless) expect(harmsNaively(tar(...parts()))).toBe(true);
    const before = lookOutside();
    const unpacking = unpack(tar(...parts()));
    if (refused) await expect(unpacking).rejects.toThrow(refused);
    else await unpacking;
    expect(lookOutside()).toEqual(before);
  });
});

describe('inside the root', () => {
  itNeeds(['root'], 'an absolute name and an absolute link mean the layer’s root', async () => {
    await unpack(
      tar(directory('/etc/'), symlink('/link', '/etc'), { name: '/link/motd', content: 'hi' }),
    );
    expect(readFileSync(join(root, 'etc/motd'), 'utf8')).toBe('hi');
    expect(readlinkSync(join(root, 'link'))).toBe('/etc');
  });

  itNeeds(['root'], '.. in a link stops at the layer’s root', async () => {
    await unpack(tar(directory('outside/'), symlink('d', '../../outside'), { name: 'd/in' }));
    expect(existsSync(join(root, 'outside/in'))).toBe(true);
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  itNeeds(['root'], 'the last of several entries of a name is what is there', async () => {
    await unpack(
      tar(
        ...[{ name: 'a', content: 'file' }, symlink('a', 'b'), directory('a/')],
        ...[
          { name: 'a/b/c', content: 'deep' },
          { name: 'a', content: 'again' },
        ],
        ...[
          { name: 'p', typeflag: '6' },
          { name: 'p', content: 'no pipe' },
        ],
      ),
    );
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('again');
    expect(readFileSync(join(root, 'p'), 'utf8')).toBe('no pipe');
    expect(readdirSync(root).sort()).toEqual(['a', 'p']);
  });

  itNeeds(['root'], 'a hard link to itself changes nothing', async () => {
    await unpack(
      tar({ name: 'a', content: 'x' }, link('a', './a'), link('b', 'a'), link('b', 'a')),
    );
    expect(statSync(join(root, 'a')).nlink).toBe(2);
  });

  itNeeds(['root'], 'a link’s size says nothing: what follows it is the next entry', async () => {
    await unpack(
      tar(
        ...[
          { ...symlink('s', 'a'), size: 512 },
          { name: 'a', content: 'x' },
        ],
        ...[
          { ...link('h', 'a'), size: 1024 },
          { name: 'b', content: 'y' },
        ],
      ),
    );
    expect(readdirSync(root).sort()).toEqual(['a', 'b', 'h', 's']);
  });

  itNeeds(
    ['root'],
    'a directory’s time is not another’s, to which a link leads by then',
    async () => {
      const other = directory('other/', { mtime: 7 });
      await unpack(tar(other, directory('d/', { mtime: 5 }), symlink('d', 'other')));
      expect(statSync(join(root, 'other')).mtimeMs).toBe(7000);
    },
  );

  itNeeds(['root'], 'a directory is entered anew where another took its name', async () => {
    await unpack(
      tar(
        ...[directory('one/'), directory('two/'), symlink('way', 'one'), { name: 'way/first' }],
        ...[symlink('way', 'two'), { name: 'way/second' }],
      ),
    );
    expect(readdirSync(join(root, 'one'))).toEqual(['first']);
    expect(readdirSync(join(root, 'two'))).toEqual(['second']);
  });
});

describe('refused', () => {
  const refusals: [name: string, message: RegExp, parts: (Part | Buffer)[]][] = [
    ['a link that is a loop', /cannot be entered/, [symlink('l', 'l'), { name: 'l/x' }]],
    ['a file with entries below it', /no directory/, [{ name: 'f' }, { name: 'f/x' }]],
    ['a file for the root', /is the root/, [symlink('./', 'etc')]],
    ['an empty link', /cannot be/, [symlink('l', '')]],
    ['a hard link to a directory', /to a directory/, [directory('d/'), link('h', 'd')]],
    ['a name of 300 bytes', /ENAMETOOLONG/, [{ name: 'x', pax: [['path', 'n'.repeat(300)]] }]],
    [
      'a path of 5000 bytes',
      /5000 bytes/,
      [{ name: 'x', pax: [['path', `${'n/'.repeat(2499)}xy`]] }],
    ],
    ['a NUL in a name', /NUL/, [{ name: 'x', pax: [['path', 'a\0b']] }]],
    ['a device 0/0', /device 0\/0/, [{ name: 'w', typeflag: '3' }]],
    ['a name below a whiteout', /something is gone/, [{ name: '.wh.d/x' }]],
    [
      'an attribute of overlay',
      /not a layer's to set/,
      [directory('d/', { pax: [['SCHILY.xattr.trusted.overlay.redirect', '/etc']] })],
    ],
    [
      'an attribute of overlay in a user namespace',
      /not a layer's to set/,
      [{ name: 'f', pax: [['SCHILY.xattr.user.overlay.metacopy', '']] }],
    ],
    [
      'an ACL that is none',
      /EINVAL/,
      [{ name: 'f', pax: [['SCHILY.xattr.system.posix_acl_access', acl.slice(0, -3)]] }],
    ],
    ['an unknown type', /unknown here/, [{ name: 'x', typeflag: 'M' }]],
    ['a wrong checksum', /checksum/, [Buffer.from(entry({ name: 'x' })).fill('y', 0, 1)]],
    [
      'a size below zero',
      /number is -1/,
      [{ name: 'x', bend: (header) => header.fill(0xff, 124, 136) }],
    ],
    [
      'a size past all files',
      /number is/,
      [{ name: 'x', bend: (header) => header.fill(0x7f, 125, 136).fill(0x80, 124, 125) }],
    ],
    ['a size that is no number', /"12x/, [{ name: 'x', bend: (h) => h.write('12x', 124) }]],
    ['a pax size that is no number', /for size/, [{ name: 'x', pax: [['size', '-1']] }]],
    [
      'a pax record that is longer than its header',
      /damaged/,
      [entry({ name: 'p', typeflag: 'x', content: '99 path=x\n' })],
    ],
    [
      'a pax header of 2 GiB',
      /extended header is/,
      [{ name: 'p', typeflag: 'x', bend: (h) => h.write('20000000000\0', 124) }],
    ],
    ['an entry behind the end', /follows a block of zeros/, [Buffer.alloc(512), { name: 'x' }]],
    [
      'sparse pieces that overlap',
      /overlap/,
      [
        {
          ...{ name: 's', content: 'abcdef' },
          pax: [
            ['GNU.sparse.major', '0'],
            ['GNU.sparse.size', '100'],
            ['GNU.sparse.map', '10,3,11,3'],
          ],
        },
      ],
    ],
    [
      'sparse pieces past the end',
      /past its end/,
      [
        {
          ...{ name: 's', content: 'abc' },
          pax: [
            ['GNU.sparse.size', '4'],
            ['GNU.sparse.map', '2,3'],
          ],
        },
      ],
    ],
    [
      'a sparse map without end',
      /no end/,
      [
        {
          ...{ name: 's', content: `5000\n${'1\n'.repeat(253)}x` },
          pax: [
            ['GNU.sparse.major', '1'],
            ['GNU.sparse.realsize', '100'],
          ],
        },
      ],
    ],
  ];
  it.each(refusals)('%s', async (_name, message, parts) => {
    await expect(unpack(tar(...parts))).rejects.toThrow(message);
    expect(readdirSync(outside)).toEqual(['secret']);
  });

  it('a tar that ends in the middle, wherever', async () => {
    const whole = tar(directory('d/'), {
      name: 'd/f',
      content: 'x'.repeat(700),
      pax: [['uid', '0']],
    });
    for (const length of [100, 600, 1100, 2000, 2300]) {
      setUp();
      await expect(unpack(whole.subarray(0, length))).rejects.toThrow(/in the middle/);
    }
  });

  it('a compressed layer that is cut off or damaged', async () => {
    const whole = gzipSync(tar({ name: 'f', content: Buffer.alloc(10_000, 'ab') }));
    await expect(unpack(whole.subarray(0, -20))).rejects.toThrow(/unexpected end of file/);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 8] = (damaged.at(-8) ?? 0) ^ 1;
    await expect(unpack(damaged)).rejects.toThrow(/data check/);
  });
});

describe('a bomb', () => {
  const zeros = (size: number) => {
    const header = entry({ name: 'zeros', size });
    return Buffer.concat([header.subarray(0, 512), Buffer.alloc(size), END]);
  };

  it.each([
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ])('of zeros in %s is refused by its ratio before it is whole', async (_name, compress) => {
    const bomb = compress(zeros(320 * 1024 * 1024));
    await expect(unpack(bomb)).rejects.toThrow(/more than 200 times/);
    expect(statSync(join(root, 'zeros')).size).toBeLessThan(300 * 1024 * 1024);
  });

  it('is refused by its bytes', async () => {
    await expect(unpack(zeros(1 << 20), { bytes: 1 << 19 })).rejects.toThrow(/larger than 524288/);
  });

  it('of entries is refused by their number', async () => {
    const many = tar(...Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` })));
    await expect(unpack(many, { entries: 10 })).rejects.toThrow(/more than 10 entries/);
    expect(readdirSync(root)).toHaveLength(10);
  });

  it('that is one hole is refused by the size that the file would have', async () => {
    const pax = encodePax([
      ['GNU.sparse.size', '4611686018427387'],
      ['GNU.sparse.map', '0,1'],
    ]);
    const hole = tar(entry({ name: 'p', typeflag: 'x', content: pax }), {
      name: 's',
      content: 'x',
    });
    await expect(unpack(hole)).rejects.toThrow(/files are larger/);
  });

  it('of sparse maps alone is refused', async () => {
    const first = entry({
      ...{ name: 's', typeflag: 'S' },
      bend: (header) => header.write('1', 482).toString(),
    });
    const map = Buffer.alloc(512);
    for (let i = 0; i < 21; i++) map.write('00000000000\0'.repeat(2), 24 * i);
    map[504] = 1;
    const maps = Array.from({ length: 5000 }, () => map);
    await expect(unpack(Buffer.concat([first, ...maps]))).rejects.toThrow(/100000 pieces/);
  });
});
