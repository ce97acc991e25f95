import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hierarchy, ownCgroup } from '../host/cgroups.fixture.ts';
import { handDown, takeBack } from '../host/control-cgroup.ts';
import { formatEffect } from '../host/format.ts';
import { removeCgroups } from '../host/remove-cgroups.ts';
import { MS_BIND, MS_PRIVATE, MS_RDONLY, MS_REC, MS_REMOUNT } from '../kernel/constants.ts';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { detectCgroups } from '../observe/cgroups.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { cgroupActions } from './actions.ts';
import { planCgroup } from './plan.ts';
import { siteWith } from './site.fixture.ts';
import { detectSite } from './site.ts';

itNeeds(['root'], 'every hierarchy that is mounted has a place below its root', () => {
  const site = detectSite('run', false);
  const { controllers, v2 } = detectCgroups();
  const mounted = Object.entries(controllers).filter(([, { v1 }]) => v1 !== null);
  expect(
    Object.fromEntries(Object.entries(site.v1).map(([name, { base }]) => [name, base])),
  ).toEqual(Object.fromEntries(mounted.map(([name, { v1 }]) => [name, `${v1}/unboxed`])));
  expect(site.v2?.base).toBe(v2 === null ? undefined : `${v2}/unboxed`);
  expect(site.unit).toBeNull();
});

itNeeds(['root'], 'under systemd the place is a unit, but for what it does not manage', () => {
  const site = detectSite('run', true);
  expect(site.unit).toBe('unboxed-run.service');
  const unit = /\/system\.slice\/unboxed-run\.service$/;
  if (site.v2) expect(site.v2.base).toMatch(unit);
  if (site.v1.memory) expect(site.v1.memory.base).toMatch(unit);
  if (site.v1.cpuset) expect(site.v1.cpuset.base).toMatch(/cpuset\/unboxed$/);
  if (site.v1.freezer) expect(site.v1.freezer.base).toMatch(/freezer\/unboxed$/);
});

describe('the actions of a unit', () => {
  const unit = 'unboxed-run.service';
  const top = `/cg/all/system.slice/${unit}`;
  const site = siteWith([], ['cpu', 'memory'], { unit });
  const plan = planCgroup({ ...site, v2: site.v2 && { ...site.v2, top, base: top } }, 'c');
  const [first, second] = cgroupActions(plan);

  it('have systemd make one that it leaves to us, once for a run', () => {
    expect(first).toMatchObject({ name: `systemd unit ${unit}`, shared: true });
    const [start = ''] = first?.does.map(formatEffect) ?? [];
    expect(start).toMatch(/^systemd-run .*--unit=unboxed-run\.service .*--property=Delegate=yes/);
    expect(start).toContain(top);
    // systemd would make one of two, and a value of what has braces.
    expect(start).not.toMatch(/\$[${]/);
    expect(first?.undoes.map(formatEffect)).toEqual([`systemctl stop ${unit}`]);
  });

  it('hand its controllers down, which go with the unit', () => {
    expect(second?.does.map(formatEffect)).toEqual([
      `mkdir -p ${top}/c`,
      `echo '+cpu +memory' > ${top}/cgroup.subtree_control`,
    ]);
    expect(second?.undoes).toEqual([{ do: 'remove-cgroups', paths: [`${top}/c`], parents: [] }]);
  });
});

itNeeds(
  ['root', 'v2:hugetlb'],
  'in a cgroup of its own a process makes room for others',
  async () => {
    await using group = ownCgroup('v2');
    const state = mkdtempSync(join(tmpdir(), 'unboxed-own-'));
    const own = join(group.path, 'own');
    mkdirSync(own);
    handDown(hierarchy('v2'), group.path, ['hugetlb']);
    const fixture = join(import.meta.dirname, 'own-cgroup.fixture.ts');
    const program = launch({ namespaces: ['mount'], cgroup: own }, (call) => {
      call.mount(null, '/', null, MS_REC | MS_PRIVATE);
      call.mount(own, own, null, MS_BIND);
      // For this mount namespace alone; what lies below stays writable.
      const { controllers, v2 } = detectCgroups();
      const mounted = new Set([...Object.values(controllers).map(({ v1 }) => v1), v2]);
      for (const path of mounted) {
        if (path !== null) call.mount(null, path, null, MS_BIND | MS_REMOUNT | MS_RDONLY);
      }
      const { NODE_OPTIONS = '' } = process.env;
      const env = { PATH: '/usr/bin:/bin', NODE_OPTIONS };
      call.execve(process.execPath, [process.execPath, fixture, state], env);
    });
    const { stdout, stderr } = await capture(program);
    expect(stderr).toBe('');
    const path = own.slice(hierarchy('v2').length);
    expect(JSON.parse(stdout)).toEqual({
      before: path,
      path: `${own}/unboxed/own`,
      actions: [`room in ${own}`, 'cgroup own'],
      during: `${path}/unboxed-room`,
      controllers: 'hugetlb',
      failed: [],
      after: path,
    });
    expect(readdirSync(own, { withFileTypes: true }).filter((it) => it.isDirectory())).toEqual([]);
    rmSync(state, { recursive: true });
    await removeCgroups([own], []);
    takeBack(hierarchy('v2'), group.path);
  },
);

it('where nothing may be written the reason is told before anything is done', () => {
  const closed = { '/cg/all': '/cg/all is not ours to write' };
  const site = { ...siteWith([], ['pids'], { closed }), v2: null };
  expect(() => cgroupActions(planCgroup(site, 'c'))).toThrow(
    /^cgroup: \/cg\/all is not ours to write; run as root, or .*Delegate=yes$/,
  );
  expect(() => cgroupActions(planCgroup(siteWith([], null), 'c'))).toThrow('layout none');
});
