import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { parseMountinfo, propagationOf } from '../observe/mountinfo.ts';
import { COMMAND_LINE, makeBundle } from './bundle.fixture.ts';
import type { Mount } from './spec.ts';

const MOUNTINFO = 'cat /proc/self/mountinfo';

async function mountsOf(add: Mount[], prepare: (rootfs: string, directory: string) => void) {
  await using bundle = makeBundle();
  prepare(bundle.rootfs, bundle.directory);
  const { stdout, stderr, status } = await bundle.run(MOUNTINFO, (spec) => {
    spec.mounts.push(...add);
  });
  expect([stderr, status]).toEqual(['', 0]);
  const mounts = parseMountinfo(`${stdout}\n`);
  return (path: string) => mounts.findLast(({ mountPoint }) => mountPoint === path);
}

describe('a mount of a configuration', () => {
  itNeeds(
    ['root'],
    'has the attributes, the propagation and the size that it asks for',
    async () => {
      const at = await mountsOf(
        [
          {
            destination: '/t',
            type: 'tmpfs',
            source: 'named',
            options: ['nosuid', 'noexec', 'noatime', 'size=64k', 'mode=700', 'shared'],
          },
          { destination: '/deep/er/dir', type: 'bind', source: 'data', options: ['rbind', 'ro'] },
          { destination: '/deep/file', type: 'bind', source: 'data/f', options: ['bind', 'nodev'] },
        ],
        (_, directory) => {
          mkdirSync(join(directory, 'data'));
          writeFileSync(join(directory, 'data/f'), 'text');
        },
      );
      const tmpfs = at('/t');
      expect(tmpfs?.options.sort()).toEqual(['noatime', 'noexec', 'nosuid', 'rw'].sort());
      expect(tmpfs?.superOptions).toContain('size=64k');
      expect(tmpfs?.source).toBe('named');
      expect(tmpfs && propagationOf(tmpfs)).toBe('shared');
      expect(at('/deep/er/dir')?.options).toContain('ro');
      expect(at('/deep/file')?.options).toContain('nodev');
      expect(at('/deep/file')?.options).toContain('rw');
    },
  );

  itNeeds(
    ['root'],
    'is read-only with all below it where it says rro, and only itself with ro',
    async () => {
      for (const [option, below] of [
        ['rro', 'ro'],
        ['ro', 'rw'],
      ] as const) {
        await using bundle = makeBundle();
        const { stdout } = await bundle.run(MOUNTINFO, (spec) => {
          spec.mounts.push({
            destination: '/h',
            source: '/sys',
            type: 'none',
            options: ['rbind', option],
          });
        });
        const mounts = parseMountinfo(`${stdout}\n`);
        const inside = mounts.filter(({ mountPoint }) => mountPoint.startsWith('/h/'));
        expect(mounts.find(({ mountPoint }) => mountPoint === '/h')?.options[0]).toBe('ro');
        expect(inside.length).toBeGreaterThan(0);
        if (option === 'rro')
          expect(inside.every(({ options }) => options[0] === below)).toBe(true);
        else expect(inside.some(({ options }) => options[0] === below)).toBe(true);
      }
    },
  );

  itNeeds(['root'], 'hands each recursive attribute to all below it', async () => {
    // The kernel's own mounts below /sys have none of these, and all of those.
    const given = { rnoatime: 'noatime', rnosymfollow: 'nosymfollow', rnodiratime: 'nodiratime' };
    const taken = { rsuid: 'nosuid', rdev: 'nodev', rexec: 'noexec' };
    await using bundle = makeBundle();
    const { stdout, stderr } = await bundle.run(MOUNTINFO, (spec) => {
      const options = ['rbind', ...Object.keys(given), ...Object.keys(taken)];
      spec.mounts.push({ destination: '/h', source: '/sys', type: 'none', options });
    });
    expect(stderr).toBe('');
    const below = parseMountinfo(`${stdout}\n`).filter(({ mountPoint }) =>
      mountPoint.startsWith('/h'),
    );
    expect(below.length).toBeGreaterThan(1);
    for (const { mountPoint, options } of below) {
      const has = (names: Readonly<Record<string, string>>) =>
        Object.values(names).filter((name) => options.includes(name));
      expect([mountPoint, has(given), has(taken)]).toEqual([mountPoint, Object.values(given), []]);
    }
  });

  itNeeds(['root', 'stat'], 'shows files as others’ where its ids are mapped', async () => {
    await using bundle = makeBundle();
    mkdirSync(join(bundle.directory, 'data'));
    writeFileSync(join(bundle.directory, 'data/file'), '');
    mkdirSync(join(bundle.rootfs, 'data'));
    const maps = [{ containerID: 0, hostID: 1000, size: 10 }];
    const bind = { type: 'bind', source: 'data', options: ['bind', 'idmap'] };
    const own = await bundle.run('stat -c %u:%g /own/file', (spec) => {
      spec.mounts.push({
        ...{ ...bind, destination: '/own', uidMappings: maps, gidMappings: maps },
      });
    });
    expect(own.stdout).toBe('1000:1000');
    const inNamespace = await bundle.run('stat -c %u:%g /data/file; : > /data/made', (spec) => {
      const ids = [{ containerID: 0, hostID: 500_000, size: 65_536 }];
      Object.assign(spec.linux, { uidMappings: ids, gidMappings: ids });
      spec.linux.namespaces?.push({ type: 'user' });
      spec.mounts = spec.mounts.filter(({ type }) => type !== 'cgroup');
      spec.mounts.push({ ...bind, destination: '/data' });
    });
    expect([inNamespace.stdout, inNamespace.stderr]).toEqual(['0:0', '']);
    // On the disk it belongs to whom the mount maps.
    expect(statSync(join(bundle.directory, 'data/made')).uid).toBe(0);
    const none = await bundle.run('true', (spec) => {
      spec.mounts.push({ ...bind, destination: '/own' });
    });
    expect(none.stderr).toContain('idmap wants uidMappings');
  });

  itNeeds(['root'], 'begins with what it covers where it says tmpcopyup', async () => {
    await using bundle = makeBundle();
    mkdirSync(join(bundle.rootfs, 'var'));
    writeFileSync(join(bundle.rootfs, 'var/kept'), 'inside');
    const { stdout, stderr } = await bundle.run(
      'cat /var/kept; echo new > /var/kept; cat /var/kept',
      (spec) => {
        spec.mounts.push({ destination: '/var', type: 'tmpfs', options: ['tmpcopyup'] });
      },
    );
    expect([stdout, stderr]).toEqual(['inside\nnew'.replace('inside\n', 'inside'), '']);
    expect(readFileSync(join(bundle.rootfs, 'var/kept'), 'utf8')).toBe('inside');
  });
});

itNeeds(
  ['root'],
  'a directory onto a file is refused, without the words by which docker knows a bad command',
  async () => {
    await using bundle = makeBundle();
    writeFileSync(join(bundle.rootfs, 'etc/file'), '');
    const { status, stderr } = await bundle.run('true', (spec) => {
      spec.mounts.push({ destination: '/etc/file', source: '/tmp', options: ['bind'] });
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/ to rootfs at "\/etc\/file": .*not a directory/);
    expect(stderr).not.toMatch(/is a directory|permission denied|no such file|not found/);
  },
);
describe('the root', () => {
  itNeeds(['root'], 'has the propagation that it is to have', async () => {
    for (const word of ['private', 'shared', 'slave', 'unbindable'] as const) {
      await using bundle = makeBundle();
      const { stdout } = await bundle.run(MOUNTINFO, ({ linux }) => {
        linux.rootfsPropagation = word;
      });
      const root = parseMountinfo(`${stdout}\n`).find(({ mountPoint }) => mountPoint === '/');
      // Of a root that is nobody's peer a slave is private.
      const expected = word === 'slave' ? ['slave', 'private'] : [word];
      expect(expected).toContain(root && propagationOf(root));
    }
  });
});

/**
 * A machine whose mounts are all shared, as under systemd; what spreads there stays there. Prints
 * its mount points, the lines of `script`, and its mount points again.
 */
function onSharedMounts(script: string, ...args: string[]): [string[], string[], string[]] {
  const points = "cut -d ' ' -f 5 /proc/self/mountinfo | sort";
  const whole = `mount --make-rshared /; ${points}; echo -; ${script}; echo -; ${points}`;
  const own = ['--mount', '--propagation', 'private', 'sh', '-ec', whole, 'sh', ...args];
  const printed = execFileSync('unshare', own, { encoding: 'utf8' }).split(/^-$/m);
  const [before = [], said = [], after = []] = printed.map((part) => part.trim().split('\n'));
  return [before, said, after];
}

describe('on a host whose mounts are shared', () => {
  itNeeds(['root', 'unshare'], 'a container leaves them as they are', async () => {
    for (const word of [undefined, 'private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']) {
      await using bundle = makeBundle();
      bundle.configure(({ process, linux }) => {
        process.args = ['true'];
        if (word) linux.rootfsPropagation = word;
      });
      const run = [...COMMAND_LINE, '--root', bundle.root, 'run', '-b', bundle.directory];
      const script = '"$@"; "$@" --no-pivot';
      const [before, , after] = onSharedMounts(script, ...run, bundle.id);
      expect(after, word).toEqual(before);
    }
  });

  itNeeds(['root', 'unshare'], 'what is mounted in a shared volume is there as well', async () => {
    await using bundle = makeBundle();
    const { directory, id, root } = bundle;
    mkdirSync(join(directory, 'volume/in'), { recursive: true });
    bundle.configure(({ process, mounts, linux }) => {
      process.args = ['sh', '-c', 'mount -t tmpfs seen /v/in'];
      const own = ['CAP_SYS_ADMIN'];
      process.capabilities = { bounding: own, effective: own, permitted: own };
      linux.rootfsPropagation = 'rshared';
      const options = ['rbind', 'rshared'];
      mounts.push({ destination: '/v', type: 'bind', source: 'volume', options });
    });
    const run = [...COMMAND_LINE, '--root', root, 'run', '-b', directory, id];
    const point = join(directory, 'volume/in');
    const script = `"$@"; umount ${point} && echo it was there`;
    const [before, said, after] = onSharedMounts(script, ...run);
    expect(said).toEqual(['it was there']);
    expect(after).toEqual(before);
  });
});

describe('a mount of type cgroup', () => {
  itNeeds(
    ['root', 'cgroup-v1'],
    'shows its own cgroup of each hierarchy, and no other',
    async () => {
      await using bundle = makeBundle();
      const script = 'for i in /sys/fs/cgroup/*/cgroup.procs; do echo $i $(cat $i); done';
      const { stdout, stderr } = await bundle.run(script);
      expect(stderr).toBe('');
      const seen = stdout.split('\n').map((line) => line.split(' '));
      expect(seen.length).toBeGreaterThan(1);
      // The shell is 1, and runs cat beside it.
      for (const [path, first] of seen) expect([path, first]).toEqual([path, '1']);
    },
  );
});

describe('what if the image has a link where a mount is to be?', () => {
  const outside = (directory: string) => join(directory, 'outside');

  itNeeds(['root'], 'it leads to a place of its own root, also where nothing is yet', async () => {
    await using bundle = makeBundle();
    mkdirSync(outside(bundle.directory));
    symlinkSync(outside(bundle.directory), join(bundle.rootfs, 'link'));
    symlinkSync('../../../../../../../../run/resolv', join(bundle.rootfs, 'etc/resolv.conf'));
    const { stdout, stderr } = await bundle.run(`cat /etc/resolv.conf; ${MOUNTINFO}`, (spec) => {
      spec.root.readonly = false;
      spec.mounts.push(
        { destination: '/link/dir', type: 'tmpfs' },
        { destination: '/etc/resolv.conf', type: 'bind', source: 'names', options: ['bind'] },
      );
      writeFileSync(join(bundle.directory, 'names'), 'nameserver\n');
    });
    expect(stderr).toBe('');
    expect(stdout).toContain('nameserver\n');
    const points = parseMountinfo(`${stdout.replace('nameserver\n', '')}\n`).map(
      (it) => it.mountPoint,
    );
    expect(points).toContain(`${outside(bundle.directory)}/dir`);
    expect(points).toContain('/run/resolv');
    expect(existsSync(join(outside(bundle.directory), 'dir'))).toBe(false);
  });

  itNeeds(
    ['root'],
    'one into /proc, by which other processes’ roots could be reached, is refused',
    async () => {
      // The first may be closed to us, the other is our own: neither is a path to be walked.
      for (const process of ['1', 'self']) {
        await using bundle = makeBundle();
        symlinkSync(`/proc/${process}/root/tmp`, join(bundle.rootfs, 'link'));
        const { status, stderr } = await bundle.run('true', (spec) => {
          spec.mounts.push({ destination: '/link/new', type: 'tmpfs' });
        });
        expect(status).toBe(1);
        expect(stderr).toContain('/link/new lies on procfs');
      }
    },
  );
});

describe('an option that is not carried out', () => {
  itNeeds(['root'], 'is refused', async () => {
    await using bundle = makeBundle();
    const { stderr } = await bundle.run('true', (spec) => {
      spec.mounts.push({ destination: '/t', type: 'tmpfs', options: ['dest-nofollow'] });
    });
    expect(stderr).toContain('dest-nofollow is not carried out');
  });
});

describe('what if a configuration would cover procfs?', () => {
  itNeeds(
    ['root'],
    'a volume on it or in it is refused, numbers for programs are not',
    async () => {
      const over = async (mount: Mount) => {
        await using bundle = makeBundle();
        mkdirSync(join(bundle.directory, 'volume'));
        writeFileSync(join(bundle.directory, 'numbers'), 'cpu 1\n');
        return await bundle.run('cat /proc/stat', (spec) => void spec.mounts.push(mount));
      };
      const bind = { type: 'bind', options: ['bind'] };
      for (const destination of ['/proc', '/proc/sys', '/dev/../proc/sys']) {
        const { status, stderr } = await over({ ...bind, destination, source: 'volume' });
        expect([status, stderr]).toEqual([1, expect.stringContaining('lies on procfs')]);
      }
      const { stdout } = await over({ ...bind, destination: '/proc/stat', source: 'numbers' });
      expect(stdout).toBe('cpu 1');
    },
  );
});
