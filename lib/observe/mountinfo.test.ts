import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { itNeeds } from './it-needs.ts';
import { mountAt, parseMountinfo, propagationOf, readMountinfo } from './mountinfo.ts';

const ODD = [
  '27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard',
  '40 27 0:40 / /a\\040b\\011c\\134d rw shared:7 master:3 propagate_from:2 - tmpfs  rw,size=4k',
  '41 27 0:41 /x//deleted /over ro,nosuid unbindable - fuse.sshfs me@host:/\\043 rw',
  '42 27 0:42 / /ovl rw - overlay overlay rw,upperdir=/u\\054v,workdir=/w',
  '',
].join('\n');

/** Runs a shell script in a mount namespace of its own and returns what it prints. */
function inOwnMounts(script: string): string {
  return execFileSync('unshare', ['--mount', 'sh', '-ec', script], { encoding: 'utf8' });
}

describe('parseMountinfo', () => {
  it('decodes octal escapes in paths and sources', () => {
    const [, odd, fuse] = parseMountinfo(ODD);
    expect(odd?.mountPoint).toBe('/a b\tc\\d');
    expect(fuse?.source).toBe('me@host:/#');
  });

  it('keeps every propagation tag, and an empty source as empty', () => {
    const [plain, odd] = parseMountinfo(ODD);
    expect(plain?.optional).toEqual([]);
    expect(odd?.optional).toEqual(['shared:7', 'master:3', 'propagate_from:2']);
    expect(odd).toMatchObject({ fstype: 'tmpfs', source: '', superOptions: ['rw', 'size=4k'] });
  });

  it('does not split an option at a comma that belongs to its value', () => {
    expect(parseMountinfo(ODD)[3]?.superOptions).toEqual(['rw', 'upperdir=/u,v', 'workdir=/w']);
  });

  it('refuses a line that is none, naming it', () => {
    expect(() => parseMountinfo('27 1 254:0 / / rw')).toThrow(/27 1 254:0/);
  });
});

describe('propagationOf', () => {
  it('tells the five kinds apart', () => {
    const kinds = ['', 'shared:1', 'master:2', 'shared:1 master:2', 'unbindable'].map((tags) => {
      const line = `1 0 0:1 / / rw ${tags}${tags && ' '}- tmpfs none rw`;
      return parseMountinfo(line).map(propagationOf)[0];
    });
    expect(kinds).toEqual(['private', 'shared', 'slave', 'shared,slave', 'unbindable']);
  });

  itNeeds(['root', 'unshare', 'findmnt'], 'agrees with findmnt about real mounts', () => {
    const output = inOwnMounts(`
      mount -t tmpfs none /mnt; mount --make-shared /mnt
      mkdir /mnt/s /mnt/u /mnt/p; mount --bind /mnt/s /mnt/s; mount --make-slave /mnt/s
      mount -t tmpfs none /mnt/u; mount --make-unbindable /mnt/u
      mount -t tmpfs none /mnt/p; mount --make-private /mnt/p
      cat /proc/self/mountinfo; echo ---; findmnt -rnRo TARGET,PROPAGATION /mnt`);
    const [table = '', shown = ''] = output.split('---\n');
    // What lay below /mnt before is still in the table, and covered.
    const mounts = parseMountinfo(table);
    const ours = mounts.filter(
      ({ id, mountPoint }) =>
        mountPoint.startsWith('/mnt') && mountAt(mounts, mountPoint)?.id === id,
    );
    const theirs = shown
      .trim()
      .split('\n')
      .map((line) => line.replace('private,slave', 'slave').replace('private,unb', 'unb'));
    expect(ours.map((mount) => `${mount.mountPoint} ${propagationOf(mount)}`).sort()).toEqual(
      theirs.sort(),
    );
    expect(ours.map(propagationOf)).toEqual(
      expect.arrayContaining(['shared', 'slave', 'unbindable', 'private']),
    );
  });
});

describe('mountAt', () => {
  it('finds no mount where there is only a directory', () => {
    const mounts = parseMountinfo(ODD);
    expect(mountAt(mounts, '/over')?.id).toBe(41);
    expect(mountAt(mounts, '/over/')?.id).toBe(41);
    expect(mountAt(mounts, '/over/deeper')).toBeUndefined();
  });

  it('takes the top of a stack by parent, also when the lower one is listed later', () => {
    const mounts = parseMountinfo(
      ['2 1 0:1 / / rw - a a rw', '3 9 0:2 / /m rw - top t rw', '9 2 0:3 / /m rw - low l rw'].join(
        '\n',
      ),
    );
    expect(mountAt(mounts, '/m')?.fstype).toBe('top');
  });

  it('does not find a mount that another covers from above', () => {
    const mounts = parseMountinfo(
      ['2 1 0:1 / / rw - a a rw', '3 2 0:2 / /d/e rw - b b rw', '4 2 0:3 / /d rw - c c rw'].join(
        '\n',
      ),
    );
    expect(mountAt(mounts, '/d')?.fstype).toBe('c');
    expect(mountAt(mounts, '/d/e')).toBeUndefined();
  });

  it('works in a table without the root mount, as a chrooted process sees it', () => {
    const mounts = parseMountinfo('50 27 0:5 / /proc rw - proc proc rw');
    expect(mountAt(mounts, '/proc')?.id).toBe(50);
    expect(mountAt(mounts, '/')).toBeUndefined();
  });

  it('comes to an end at a root mount that is its own parent, as rootfs is', () => {
    const mounts = parseMountinfo('1 1 0:2 / / rw - rootfs rootfs rw');
    expect(mountAt(mounts, '/')?.id).toBe(1);
  });

  itNeeds(['linux', 'stat'], 'finds the device that stat sees, for every mount it finds', () => {
    const mounts = readMountinfo();
    const found = mounts.filter(({ id, mountPoint }) => mountAt(mounts, mountPoint)?.id === id);
    expect(found.length).toBeGreaterThan(2);
    for (const { mountPoint, device } of found) {
      const seen = execFileSync('stat', ['-c', '%Hd:%Ld', mountPoint], { encoding: 'utf8' });
      expect(`${mountPoint} ${device}`).toBe(`${mountPoint} ${seen.trim()}`);
    }
  });
});

itNeeds(
  ['linux', 'findmnt'],
  'readMountinfo lists what findmnt lists, with the same fields',
  () => {
    const columns = 'ID,PARENT,MAJ:MIN,FSROOT,TARGET,FSTYPE,VFS-OPTIONS,FS-OPTIONS';
    const args = ['--kernel', '--list', '--json', '--output', columns];
    const { filesystems } = JSON.parse(execFileSync('findmnt', args, { encoding: 'utf8' }));
    const theirs = filesystems.map((row: Record<string, unknown>) =>
      Object.values(row).map(String).join(' '),
    );
    const ours = readMountinfo().map((mount) =>
      [
        mount.id,
        mount.parent,
        mount.device,
        mount.root,
        mount.mountPoint,
        mount.fstype,
        mount.options.join(),
        mount.superOptions.join(),
      ].join(' '),
    );
    expect(ours.sort()).toEqual(theirs.sort());
  },
);
