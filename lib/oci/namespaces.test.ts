import { readlinkSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { makeBundle } from './bundle.fixture.ts';

const linksOf = (text: string) =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(':')),
  );

const SHOW = 'for n in mnt pid net uts ipc user cgroup time; do readlink /proc/self/ns/$n; done';

describe('the namespaces of a container', () => {
  itNeeds(
    ['root'],
    'are new ones where no path is given, and ours where none is listed',
    async () => {
      await using bundle = makeBundle();
      const { stdout } = await bundle.run(SHOW, (spec) => {
        spec.linux.namespaces = [
          { type: 'mount' },
          { type: 'pid' },
          { type: 'uts' },
          { type: 'cgroup' },
        ];
      });
      const there = linksOf(stdout);
      for (const [kind, is] of Object.entries(there)) {
        const ours = readlinkSync(`/proc/self/ns/${kind}`) === `${kind}:${is}`;
        expect([kind, ours]).toEqual([kind, !['mnt', 'pid', 'uts', 'cgroup'].includes(kind)]);
      }
    },
  );

  itNeeds(['root'], 'are joined by their path, in any mix with new ones', async () => {
    await using other = makeBundle();
    other.configure((spec) => {
      spec.process.args = ['sleep', '100'];
    });
    await other.box('run', '-d', '-b', other.directory, other.id);
    const { pid } = JSON.parse((await other.box('state', other.id)).stdout);
    await using bundle = makeBundle();
    const joined = { network: 'net', ipc: 'ipc', pid: 'pid' } as const;
    const { stdout, stderr } = await bundle.run(SHOW, (spec) => {
      spec.linux.namespaces = [
        { type: 'mount' },
        { type: 'uts' },
        ...Object.entries(joined).map(([type, file]) => ({
          type: type as keyof typeof joined,
          path: `/proc/${pid}/ns/${file}`,
        })),
      ];
    });
    expect(stderr).toBe('');
    const there = linksOf(stdout);
    for (const kind of ['net', 'ipc', 'pid', 'mnt', 'uts'] as const) {
      const same = readlinkSync(`/proc/${pid}/ns/${kind}`) === `${kind}:${there[kind]}`;
      expect([kind, same]).toEqual([kind, !['mnt', 'uts'].includes(kind)]);
    }
  });

  itNeeds(
    ['root'],
    'what if a path is no namespace, or one of another kind? It is refused',
    async () => {
      await using bundle = makeBundle();
      for (const path of ['/etc/passwd', '/proc/self/ns/uts']) {
        const { status, stderr } = await bundle.run('true', (spec) => {
          spec.linux.namespaces = [{ type: 'mount' }, { type: 'network', path }];
        });
        expect(status).toBe(1);
        expect(stderr).toMatch(/is no (network )?namespace/);
      }
    },
  );

  itNeeds(
    ['root'],
    'hold ids that are mapped, and a mapped root that owns what it makes',
    async () => {
      await using bundle = makeBundle();
      const script = 'cat /proc/self/uid_map; stat -c %u /dev/shm; id -u; cat /proc/self/setgroups';
      const { stdout, stderr } = await bundle.run(script, (spec) => {
        const maps = [{ containerID: 0, hostID: 200000, size: 1000 }];
        spec.linux.namespaces = [...(spec.linux.namespaces ?? []), { type: 'user' }];
        spec.linux.uidMappings = maps;
        spec.linux.gidMappings = maps;
      });
      expect([stderr, stdout.trim().split(/\s+/)]).toEqual([
        '',
        ['0', '200000', '1000', '0', '0', 'allow'],
      ]);
    },
  );

  itNeeds(['root'], 'have clocks of their own where time offsets are given', async () => {
    await using bundle = makeBundle();
    const { stdout } = await bundle.run('cat /proc/self/timens_offsets', (spec) => {
      spec.linux.namespaces = [...(spec.linux.namespaces ?? []), { type: 'time' }];
      spec.linux.timeOffsets = { boottime: { secs: 1234 }, monotonic: { secs: 5, nanosecs: 6 } };
    });
    expect(stdout.trim().split(/\s+/)).toEqual(['monotonic', '5', '6', 'boottime', '1234', '0']);
  });

  itNeeds(['root'], 'have a loopback that is up, a host name and a domain name', async () => {
    await using bundle = makeBundle();
    const files = ['hostname', 'domainname'].map((name) => `/proc/sys/kernel/${name}`).join(' ');
    const { stdout } = await bundle.run(`cat ${files}; grep -c . /proc/net/if_inet6`, (spec) => {
      spec.hostname = 'one';
      spec.domainname = 'two';
    });
    expect(stdout.split('\n').slice(0, 2)).toEqual(['one', 'two']);
    expect(Number(stdout.split('\n')[2])).toBeGreaterThan(0);
  });
});
