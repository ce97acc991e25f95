import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { describeCgroups, detectCgroups, listCgroups } from './cgroups.ts';
import { itNeeds } from './it-needs.ts';
import { parseMountinfo } from './mountinfo.ts';

const ROOT = '1 0 8:1 / / rw - ext4 /dev/sda rw';
const V2 = '2 1 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';
const SUBSYSTEMS = [
  '#subsys_name\thierarchy\tnum_cgroups\tenabled',
  'cpu\t1\t1\t1',
  'cpuacct\t1\t1\t1',
  'memory\t0\t1\t1',
  '',
].join('\n');

const describeLines = (lines: string[], subsystems: string, offered: string) =>
  describeCgroups(parseMountinfo([ROOT, ...lines].join('\n')), subsystems, offered);

describe('describeCgroups', () => {
  it('sees a version 2 machine, with controllers that /proc/cgroups does not list', () => {
    const seen = describeLines([V2], SUBSYSTEMS, 'cpu io memory\n');
    expect(seen).toMatchObject({ layout: 'v2', v2: '/sys/fs/cgroup', named: {} });
    expect(seen.controllers).toEqual({
      cpu: { v1: null, v2: true },
      cpuacct: { v1: null, v2: false },
      io: { v1: null, v2: true },
      memory: { v1: null, v2: true },
    });
  });

  it('sees two controllers on one version 1 mount, and a named hierarchy', () => {
    const seen = describeLines(
      [
        '2 1 0:30 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct',
        '3 1 0:31 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd',
      ],
      SUBSYSTEMS,
      '',
    );
    expect(seen).toMatchObject({ layout: 'v1', v2: null, named: { systemd: '/cg/systemd' } });
    expect(seen.controllers.cpu?.v1).toBe('/cg/cpu');
    expect(seen.controllers.cpuacct?.v1).toBe('/cg/cpu');
    expect(seen.controllers.memory).toEqual({ v1: null, v2: false });
  });

  it('calls both versions together hybrid, and neither of them none', () => {
    const both = ['3 1 0:31 / /cg/memory rw - cgroup cgroup rw,memory', V2];
    expect(describeLines(both, SUBSYSTEMS, '').layout).toBe('hybrid');
    expect(describeLines([], SUBSYSTEMS, '').layout).toBe('none');
  });

  it('does not count a hierarchy that another mount covers', () => {
    const covered = [V2, '3 2 0:32 / /sys/fs/cgroup rw - tmpfs tmpfs rw'];
    expect(describeLines(covered, SUBSYSTEMS, '').layout).toBe('none');
  });
});

itNeeds(['linux', 'findmnt'], 'mount points are those that findmnt shows', () => {
  const find = (type: string) => {
    try {
      return String(execFileSync('findmnt', ['-rno', 'TARGET', '-t', type]))
        .trim()
        .split('\n');
    } catch {
      return [];
    }
  };
  const { controllers, named, v2, layout } = detectCgroups();
  const v1 = [...Object.values(controllers).map((one) => one.v1), ...Object.values(named)];
  const mounted = new Set(v1.filter((path) => path !== null));
  expect([...mounted].sort()).toEqual(find('cgroup').sort());
  expect(v2).toBe(find('cgroup2')[0] ?? null);
  expect(layout === 'none').toBe(mounted.size === 0 && v2 === null);
});

itNeeds(['linux', 'findmnt'], 'the cgroups listed are the directories that find finds', () => {
  const { controllers, named, v2 } = detectCgroups();
  const paths = [...Object.values(controllers).map((one) => one.v1), ...Object.values(named), v2];
  const mounted = [...new Set(paths.filter((path) => path !== null))];
  if (mounted.length === 0) return expect(listCgroups()).toEqual([]);
  const found = String(execFileSync('find', [...mounted, '-type', 'd']))
    .trim()
    .split('\n');
  expect(listCgroups()).toEqual(found.sort());
});
