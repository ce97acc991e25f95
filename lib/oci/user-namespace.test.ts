import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { COMMAND_LINE, makeBundle, type TestBundle } from './bundle.fixture.ts';
import type { Spec } from './spec.ts';

/** What a configuration is without ids that are not mapped: a group of terminals. */
function withoutGroup({ mounts }: Required<Spec>): void {
  for (const mount of mounts) {
    if (mount.options) mount.options = mount.options.filter((option) => option !== 'gid=5');
  }
}

/** A user namespace of the container's own, of the ids from 500000 on. */
function withUser(spec: Required<Spec>): void {
  const ids = [{ containerID: 0, hostID: 500_000, size: 65_536 }];
  Object.assign(spec.linux, { uidMappings: ids, gidMappings: ids });
  spec.linux.namespaces?.push({ type: 'user' });
  spec.mounts = spec.mounts.filter(({ type }) => type !== 'cgroup');
}

describe('root of a user namespace that is there already', () => {
  /** The command line, as root of a namespace that unshare(1) makes. */
  const asInnerRoot = ({ root }: TestBundle, script: string) => {
    const words = [...COMMAND_LINE, '--root', root].join(' ');
    const { stdout, stderr, status } = spawnSync(
      'unshare',
      ['-Urm', 'sh', '-ec', `box() { ${words} "$@"; }\n${script}`],
      { encoding: 'utf8', input: '', timeout: 120_000 },
    );
    return { stdout: stdout.trim(), stderr: stderr.trim(), status };
  };

  itNeeds(['root', 'userns', 'unshare'], 'runs a container whose devices are there', async () => {
    await using bundle = makeBundle();
    bundle.configure((spec) => {
      withoutGroup(spec);
      const script =
        'echo gone > /dev/null; head -c 3 /dev/zero | wc -c; grep -c null /proc/mounts';
      spec.process.args = ['sh', '-c', script];
    });
    const ran = asInnerRoot(bundle, `box run -b ${bundle.directory} ${bundle.id}`);
    expect([ran.stderr, ran.status]).toEqual(['', 0]);
    expect(ran.stdout.split('\n')[0]).toBe('3');
  });

  itNeeds(['root', 'userns', 'unshare'], 'goes into one that runs', async () => {
    await using bundle = makeBundle();
    const { directory, id } = bundle;
    bundle.configure((spec) => {
      withoutGroup(spec);
      spec.process.args = ['sleep', '100'];
    });
    const script = [
      `box create -b ${directory} ${id} </dev/null >/dev/null 2>&1 && box start ${id}`,
      `box exec ${id} id -u`,
      `box delete --force ${id}`,
    ].join('\n');
    const { stdout, stderr } = asInnerRoot(bundle, script);
    expect([stdout, stderr]).toEqual(['0', '']);
  });
});

describe('in a user namespace', () => {
  itNeeds(['root', 'userns'], 'a bind mount may name the times of access that it has', async () => {
    await using bundle = makeBundle();
    const data = join(bundle.directory, 'data');
    for (const directory of [data, join(bundle.rootfs, 'data')]) mkdirSync(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'noatime', 'none', data]);
    try {
      const { stdout, stderr } = await bundle.run('grep " /data " /proc/mounts', (spec) => {
        withUser(spec);
        const options = ['bind', 'noatime', 'rw'];
        spec.mounts.push({ destination: '/data', type: 'bind', source: data, options });
      });
      expect(stderr).toBe('');
      expect(stdout).toContain('noatime');
    } finally {
      execFileSync('umount', [data]);
    }
  });

  itNeeds(['root', 'userns', 'stat'], 'a tmpfs begins with what it covers', async () => {
    await using bundle = makeBundle();
    const inside = join(bundle.rootfs, 'var');
    mkdirSync(join(inside, 'its'), { recursive: true });
    for (const [path, id, mode] of [
      ['its', 500_007, 0o700],
      ['its/file', 500_007, 0o600],
      ['others', 7, 0o604],
    ] as const) {
      if (path !== 'its') writeFileSync(join(inside, path), path);
      chownSync(join(inside, path), id, id);
      chmodSync(join(inside, path), mode);
    }
    const run = () =>
      bundle.run('cd /var; stat -c "%n %u %g %a" its its/file others; cat its/file', (spec) => {
        withUser(spec);
        spec.process.user = { uid: 7, gid: 7 };
        spec.mounts.push({ destination: '/var', type: 'tmpfs', options: ['tmpcopyup'] });
      });
    const { stdout, stderr } = await run();
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'its 7 7 700',
      'its/file 7 7 600',
      'others 65534 65534 604',
      'its/file',
    ]);
    // What is closed to its root on the disk is not open to it in a copy.
    chmodSync(join(inside, 'others'), 0o600);
    expect((await run()).stderr).toMatch(/tmpcopyup: .*var.others: of user 7, group 7, who are/);
  });

  itNeeds(['root', 'overlay'], 'an overlay has more layers than fsconfig takes', async () => {
    for (const change of [withUser, withoutGroup]) {
      await using bundle = makeBundle();
      chmodSync(bundle.directory, 0o755);
      mkdirSync(join(bundle.rootfs, 'all'));
      const layers = Array.from({ length: 9 }, (_, i) => `${'long'.repeat(20)}${i}`);
      for (const [i, name] of layers.entries()) {
        mkdirSync(join(bundle.directory, name));
        writeFileSync(join(bundle.directory, name, `of-${i}`), '');
      }
      const { stdout, stderr } = await bundle.run('ls /all; grep /all /proc/mounts', (spec) => {
        change(spec);
        const lower = layers.map((name) => join(bundle.directory, name)).join(':');
        const options = ['nodev', 'ro', `lowerdir=${lower}`];
        spec.mounts.push({ destination: '/all', type: 'overlay', source: 'overlay', options });
      });
      expect(stderr).toBe('');
      const lines = stdout.split('\n');
      expect(lines.slice(0, 9)).toEqual(layers.map((_, i) => `of-${i}`));
      expect(lines[9]).toMatch(/^overlay \/all overlay ro,nodev,/);
    }
  });
});
