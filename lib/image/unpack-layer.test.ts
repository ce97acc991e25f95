import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getXattr, listXattrs, setXattr } from '../kernel/xattr.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { aclFor } from '../overlay/acl.fixture.ts';
import { isOpaque, isWhiteout } from '../overlay/whiteout.ts';
import { digestOf } from './digest.ts';
import { directory, inPieces, MTIME, run, symlink, tar } from './tar.fixture.ts';
import { unpackLayer } from './unpack-layer.ts';

let base: string;
let root: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unboxed-unpack-'));
  root = join(base, 'root');
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true }));

const unpack = (bytes: Buffer, options = {}) => unpackLayer(inPieces(bytes), root, options);
const at = (name: string) => join(root, name);

describe('what a file is to have', () => {
  itNeeds(['root'], 'its owner, setuid bit and time to the nanosecond are the tar’s', async () => {
    const pax: [string, string][] = [['mtime', '1500000000.123456789']];
    await unpack(
      tar({
        name: 'f',
        content: 'x',
        mode: 0o6751,
        uid: 12,
        gid: 3_000_000,
        pax: [...pax, ['gid', '3000000']],
      }),
    );
    const stats = statSync(at('f'), { bigint: true });
    expect(stats.mode & 0o7777n).toBe(0o6751n);
    expect([stats.uid, stats.gid]).toEqual([12n, 3_000_000n]);
    expect(stats.mtimeNs).toBe(1_500_000_000_123_456_789n);
  });

  itNeeds(['root'], 'its capabilities are set after what would take them away', async () => {
    const value = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    const pax: [string, string][] = [
      ['SCHILY.xattr.security.capability', value.toString('latin1')],
    ];
    await unpack(tar({ name: 'ping', content: 'x', uid: 5, mode: 0o4755, pax }));
    expect(getXattr(at('ping'), 'security.capability')).toEqual(value);
    expect(run(['getcap', at('ping')]).toString()).toContain('cap_net_raw=ep');
  });

  itNeeds(['root'], 'a group that a setgid directory would give is not given', async () => {
    await unpack(
      tar(directory('d/', { mode: 0o2755, gid: 50 }), { name: 'd/f' }, directory('d/e/')),
    );
    expect(statSync(at('d')).mode & 0o7777).toBe(0o2755);
    expect(statSync(at('d/f')).gid).toBe(0);
    expect(statSync(at('d/e')).mode & 0o7777).toBe(0o755);
  });

  it('a directory keeps its time though entries are made in it after', async () => {
    await unpack(tar(directory('./', { mtime: 77 }), directory('d/'), { name: 'd/f' }));
    expect(statSync(at('d')).mtimeMs).toBe(MTIME * 1000);
    expect(statSync(root).mtimeMs).toBe(77_000);
  });

  it('the umask takes nothing away', async () => {
    const before = process.umask(0o077);
    try {
      await unpack(tar({ name: 'f', mode: 0o666 }, directory('d/', { mode: 0o777 })));
    } finally {
      process.umask(before);
    }
    expect(statSync(at('f')).mode & 0o777).toBe(0o666);
    expect(statSync(at('d')).mode & 0o777).toBe(0o777);
  });

  itNeeds(
    ['root', 'user-attributes'],
    'attributes that belong to the machine are left out, and that is told',
    async () => {
      const pax: [string, string][] = [
        ['SCHILY.xattr.security.selinux', 'label'],
        ['SCHILY.xattr.user.mine', 'kept'],
        [Buffer.from('SCHILY.xattr.user.größe').toString('latin1'), 'kept too'],
      ];
      const { omitted } = await unpack(tar({ name: 'f', pax }));
      expect(omitted).toEqual(['f: attribute security.selinux']);
      expect(getXattr(at('f'), 'user.mine')?.toString()).toBe('kept');
      expect(getXattr(at('f'), 'user.größe')?.toString()).toBe('kept too');
    },
  );
});

describe('access control lists', () => {
  const acl = (kind: string, uid: number): [string, string] => [
    `SCHILY.xattr.system.posix_acl_${kind}`,
    aclFor(uid).toString('latin1'),
  ];

  itNeeds(['root'], 'are set, and what they give is not given to what is unpacked', async () => {
    const { omitted } = await unpack(
      tar(
        directory('d/', { mode: 0o750, pax: [acl('default', 7), acl('access', 8)] }),
        ...[
          directory('d/e/'),
          { name: 'd/f' },
          { name: 'd/g', mode: 0o640, pax: [acl('access', 9)] },
        ],
      ),
    );
    expect(omitted).toEqual([]);
    expect(getXattr(at('d'), 'system.posix_acl_default')).toEqual(aclFor(7));
    expect(getXattr(at('d'), 'system.posix_acl_access')).toEqual(aclFor(8));
    expect(getXattr(at('d/g'), 'system.posix_acl_access')).toEqual(aclFor(9));
    for (const name of ['d/e', 'd/f']) expect(listXattrs(at(name))).toEqual([]);
    expect(statSync(at('d/f')).mode & 0o7777).toBe(0o644);
  });

  itNeeds(['root'], 'and all attributes of a directory are those of its last entry', async () => {
    const pax: [string, string][] = [acl('default', 7), ['SCHILY.xattr.user.a', 'a']];
    await unpack(
      tar(directory('d/', { pax }), directory('d/', { pax: [['SCHILY.xattr.user.b', 'b']] })),
    );
    expect(listXattrs(at('d'))).toEqual(['user.b']);
  });

  itNeeds(['root'], 'of a directory that is only implied are those below', async () => {
    const lower = join(base, 'lower');
    mkdirSync(join(lower, 'srv'), { recursive: true });
    setXattr(join(lower, 'srv'), 'system.posix_acl_default', aclFor(3));
    setXattr(join(lower, 'srv'), 'user.note', 'kept');
    await unpack(tar({ name: 'srv/f' }), { lowers: [lower] });
    expect(listXattrs(at('srv'))).toEqual(['system.posix_acl_default', 'user.note']);
    expect(listXattrs(at('srv/f'))).toEqual([]);
  });
});

describe('whiteouts', () => {
  itNeeds(['root'], 'become overlay’s, also where the directory is only implied', async () => {
    await unpack(tar(directory('a/'), { name: 'a/.wh.gone' }, { name: 'b/c/.wh.gone too' }));
    expect(isWhiteout(at('a/gone'))).toBe(true);
    expect(isWhiteout(at('b/c/gone too'))).toBe(true);
    expect(readdirSync(at('a'))).toEqual(['gone']);
  });

  itNeeds(['root'], 'an opaque directory hides the layers below, not its own entries', async () => {
    await unpack(
      tar(directory('d/'), { name: 'd/before' }, { name: 'd/.wh..wh..opq' }, { name: 'd/after' }),
    );
    expect(isOpaque(at('d'))).toBe(true);
    expect(readdirSync(at('d')).sort()).toEqual(['after', 'before']);
  });

  itNeeds(
    ['root'],
    'of a name that the layer has itself leave that, and hide what is below it',
    async () => {
      await unpack(
        tar(
          ...[{ name: 'file', content: 'mine' }, { name: '.wh.file' }],
          ...[{ name: '.wh.later' }, { name: 'later', content: 'mine' }],
          ...[directory('dir/'), { name: 'dir/mine' }, { name: '.wh.dir' }],
          ...[{ name: '.wh.next' }, { name: 'next/mine' }],
        ),
      );
      expect(readFileSync(at('file'), 'utf8')).toBe('mine');
      expect(readFileSync(at('later'), 'utf8')).toBe('mine');
      expect([isOpaque(at('dir')), existsSync(at('dir/mine'))]).toEqual([true, true]);
      expect([isOpaque(at('next')), existsSync(at('next/mine'))]).toEqual([true, true]);
    },
  );

  itNeeds(['root'], 'what AUFS wrote for itself is left out', async () => {
    await unpack(
      tar({ name: '.wh..wh.aufs' }, directory('.wh..wh.plnk/'), {
        name: '.wh..wh.plnk/1.2',
        content: 'x',
      }),
    );
    expect(readdirSync(root)).toEqual([]);
  });

  itNeeds(['root'], 'an opaque root hides each name below it', async () => {
    const lower = join(base, 'lower');
    for (const name of ['kept', 'gone']) mkdirSync(join(lower, name), { recursive: true });
    await unpack(tar(directory('kept/'), { name: '.wh..wh..opq' }), { lowers: [lower] });
    expect(isOpaque(at('kept'))).toBe(true);
    expect(isWhiteout(at('gone'))).toBe(true);
  });
});

describe('directories that only names imply', () => {
  itNeeds(['root'], 'are as the topmost layer below has them', async () => {
    const lowers = [join(base, 'top'), join(base, 'bottom')];
    for (const lower of lowers) mkdirSync(join(lower, 'srv/private'), { recursive: true });
    const below = join(base, 'top/srv/private');
    chownSync(below, 7, 8);
    chmodSync(below, 0o2710);
    utimesSync(below, 1000, 2000);
    await unpack(tar({ name: 'srv/private/f' }), { lowers });
    const { uid, gid, mode, mtimeMs } = statSync(at('srv/private'));
    expect([uid, gid, mode & 0o7777, mtimeMs]).toEqual([7, 8, 0o2710, 2_000_000]);
  });

  it('are 0755 and of no time where nobody has them', async () => {
    await unpack(tar({ name: 'a/b/c' }));
    const { mode, mtimeMs } = statSync(at('a/b'));
    expect([mode & 0o7777, mtimeMs]).toEqual([0o755, 0]);
  });

  it('replace nothing', async () => {
    await expect(unpack(tar({ name: 'a' }, { name: 'a/b' }))).rejects.toThrow(
      /"a": is no directory/,
    );
  });
});

describe('the stream', () => {
  it('is counted, digested and told about', async () => {
    const bytes = tar({ name: 'f', content: 'x' });
    const seen: number[] = [];
    const unpacked = await unpack(bytes, { onProgress: (count: number) => seen.push(count) });
    expect(unpacked).toMatchObject({
      diffId: digestOf(bytes),
      size: 1,
      entries: 1,
      tarBytes: bytes.length,
    });
    expect(seen.at(-1)).toBe(bytes.length);
  });

  it.each([
    ['another digest', { digest: digestOf('other'), size: 1536 }, /has the digest/],
    ['more bytes', { digest: digestOf('other'), size: 1000 }, /longer than the 1000 bytes/],
    ['fewer bytes', { digest: digestOf('other'), size: 9000 }, /1536 bytes long where 9000/],
  ])('with %s than promised is refused', async (_what, blob, message) => {
    await expect(unpack(tar({ name: 'f' }), { blob: { mediaType: '', ...blob } })).rejects.toThrow(
      message,
    );
  });

  it('stops when it is told to', async () => {
    const signal = AbortSignal.timeout(0);
    await expect(
      unpack(tar({ name: 'f' }), { signal: AbortSignal.any([signal, AbortSignal.abort()]) }),
    ).rejects.toThrow(/abort/);
  });

  it('of a compression that is not read here says which', async () => {
    await expect(unpack(Buffer.from('BZh91AY&SY...'))).rejects.toThrow(/bzip2/);
  });
});

describe('without root, in a user namespace', () => {
  const program = fileURLToPath(new URL('unpack.fixture.ts', import.meta.url));

  itNeeds(
    ['userns', 'unshare', 'setpriv', 'user-attributes'],
    'a layer unpacks as far as it goes, and what is missing is told',
    () => {
      chmodSync(base, 0o777);
      chmodSync(root, 0o777);
      const bytes = tar(
        ...[directory('etc/'), { name: 'etc/shadow', content: 'x', uid: 0, gid: 42, mode: 0o640 }],
        ...[
          { name: 'null', typeflag: '3', devmajor: 1, devminor: 3 },
          { name: 'pipe', typeflag: '6' },
        ],
        ...[symlink('s', 'etc'), { name: 'etc/.wh.gone' }, { name: 'etc/.wh..wh..opq' }],
        { name: 'tool', mode: 0o4755 },
      );
      const file = join(base, 'layer.tar');
      writeFileSync(file, bytes, { mode: 0o644 });
      const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
      const inside = [
        'unshare',
        '--user',
        '--map-root-user',
        process.execPath,
        program,
        file,
        root,
      ];
      const argv = process.geteuid?.() === 0 ? [...asNobody, ...inside] : inside;
      const [name = '', ...rest] = argv;
      const ran = spawnSync(name, rest, { encoding: 'utf8', cwd: dirname(program) });
      expect(ran.stderr).toBe('');
      expect(JSON.parse(ran.stdout)).toEqual([
        'etc/shadow: owner 0:42, which this user namespace does not have',
        'null: character device 1:3, which takes root',
      ]);
      expect(lstatSync(at('pipe')).isFIFO()).toBe(true);
      expect(lstatSync(at('tool')).mode & 0o7777).toBe(0o4755);
      expect(isWhiteout(at('etc/gone'), { form: 'user' })).toBe(true);
      expect(isOpaque(at('etc'), 'user')).toBe(true);
    },
  );
});
