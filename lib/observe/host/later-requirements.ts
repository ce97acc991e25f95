/**
 * What the labs on cgroups and overlay ask for. Where it blocks no lab it is said early, because the
 * remedy is a reboot or another machine.
 *
 * cgroups(7), kernel Documentation/admin-guide/cgroup-v2.rst, .../filesystems/overlayfs.rst
 */
import type { LinuxFacts } from './inspect.ts';
import { wayToRun } from './privilege.ts';
import { onLinux, type Requirement } from './requirement.ts';

/** The controllers that the labs set limits with. */
const LIMITING = ['cpu', 'memory', 'pids'];

export const laterRequirements: Requirement[] = [
  onLinux({
    id: 'overlay',
    title: 'overlay file system',
    found: ({ overlayMounts, fileSystems }) =>
      overlayMounts === null ? fileSystems.overlay : overlayMounts ? 'mounts' : 'refused',
    ok: ({ overlayMounts, fileSystems }) => overlayMounts ?? fileSystems.overlay !== 'absent',
    remedy: ({ fileSystems, container }) => {
      if (fileSystems.overlay === 'module') return 'sudo modprobe overlay';
      if (fileSystems.overlay === 'absent') return 'boot a kernel built with CONFIG_OVERLAY_FS';
      return container.inside ? 'run on the host itself' : 'run as root (sudo), or on Linux ≥ 5.11';
    },
    blocks: [],
  }),
  onLinux({
    id: 'cgroup-v1',
    title: 'cgroup v1 controllers',
    found: (facts) => listBound(facts, 'v1'),
    ok: (facts) => isBound(facts, 'v1'),
    remedy: () =>
      'use a virtual machine: UNBOXED_VM=v1 npm run vm && UNBOXED_VM=v1 npm run vm:lab:07; or boot with systemd.unified_cgroup_hierarchy=0 (systemd before 258)',
    blocks: ['07'],
  }),
  onLinux({
    id: 'cgroup-v1-root',
    title: 'to write to cgroup v1',
    found: (facts) => (mayWrite(facts) ? 'root' : 'a user, and version 1 is for root alone'),
    // Without version 1, or any way to run labs, that is said once, above.
    ok: (facts) => mayWrite(facts) || !isBound(facts, 'v1') || wayToRun(facts) === null,
    remedy: () => 'run as root of the machine: sudo npm run lab:07',
    blocks: ['07'],
  }),
  onLinux({
    id: 'cgroup-v2',
    title: 'cgroup v2 controllers',
    found: (facts) => listBound(facts, 'v2'),
    ok: (facts) => isBound(facts, 'v2'),
    remedy: () =>
      'boot with systemd.unified_cgroup_hierarchy=1, or in a virtual machine: `npm run vm`, then `npm run vm:lab:08`',
    blocks: ['08'],
  }),
  onLinux({
    id: 'cgroup-v2-root',
    title: 'to write to cgroup v2',
    found: (facts) => (mayWrite(facts) ? 'root' : 'a user, and the tree is root’s'),
    ok: (facts) => mayWrite(facts) || !isBound(facts, 'v2') || wayToRun(facts) === null,
    remedy: () => 'run as root of the machine: sudo npm run lab:08',
    blocks: ['08'],
  }),
];

/** A user namespace hands down nothing of it. */
const mayWrite = (facts: LinuxFacts): boolean =>
  wayToRun(facts) === 'root' && facts.credentials.mapsWholeMachine;

function isBound({ cgroups }: LinuxFacts, version: 'v1' | 'v2'): boolean {
  return LIMITING.every((name) => Boolean(cgroups.controllers[name]?.[version]));
}

function listBound({ cgroups }: LinuxFacts, version: 'v1' | 'v2'): string {
  const bound = Object.entries(cgroups.controllers).filter(([, by]) => Boolean(by[version]));
  return bound.map(([name]) => name).join(' ') || 'none';
}
