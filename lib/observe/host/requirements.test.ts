import { describe, expect, it } from 'vitest';
import type { HostFacts, LinuxFacts } from './inspect.ts';
import { describeKernel } from './kernel.ts';
import { wayToRun } from './privilege.ts';
import { blockers, LABS, notes } from './requirements.ts';
import { describeHost } from './table.ts';

const ALLOWED = { tried: true, refused: {} };
const REFUSED = { tried: true, refused: { user: 'unshare failed: Operation not permitted' } };
const WALLED = { tried: true, refused: { mount: 'unshare failed: Operation not permitted' } };

/** A Debian on which everything works, as root; each test spoils something. */
const GOOD: LinuxFacts = {
  distribution: { id: 'debian', name: 'Debian', packages: 'apt' },
  cLibrary: 'glibc',
  kernel: describeKernel('6.1.0-18-amd64'),
  wsl: null,
  virtualMachine: 'none',
  container: { inside: false, kept: null, markers: [], foreign: [] },
  credentials: {
    uid: 0,
    gid: 0,
    effective: ['CAP_NET_ADMIN', 'CAP_SYS_CHROOT', 'CAP_SYS_ADMIN'],
    bounding: [],
    lacking: [],
    seccomp: 'off',
    noNewPrivs: false,
    mapsWholeMachine: true,
  },
  namespaces: {
    mount: 'mnt:[1]',
    pid: 'pid:[2]',
    uts: 'uts:[3]',
    ipc: 'ipc:[4]',
    network: 'net:[5]',
    user: 'user:[6]',
    cgroup: 'cgroup:[7]',
    time: null,
  },
  settings: { max: 1000, unprivilegedClone: null, apparmorRestricts: null },
  probes: { self: ALLOWED, user: ALLOWED },
  cgroups: {
    layout: 'hybrid',
    controllers: {
      cpu: { v1: '/cpu', v2: true },
      memory: { v1: '/memory', v2: true },
      pids: { v1: '/pids', v2: true },
    },
    v2: '/unified',
    named: {},
  },
  fileSystems: {
    rootType: 'ext4',
    rootPropagation: 'shared:1',
    state: { path: '/state', fstype: 'ext4', noexec: false, nodev: false, freeBytes: 1e12 },
    temporary: { path: '/tmp', fstype: 'tmpfs', noexec: false, nodev: false, freeBytes: 1e12 },
    hidepid: '0',
    coveredProc: [],
    overlay: 'registered',
  },
  overlayMounts: true,
  tools: Object.fromEntries(
    ['bash', 'ip', 'ldd', 'mount', 'nft', 'nsenter', 'ping', 'ps', 'sysctl', 'unshare'].map(
      (name) => [name, { path: `/bin/${name}`, version: '1.0', busybox: false }],
    ),
  ) as LinuxFacts['tools'],
};
const USER = { ...GOOD.credentials, uid: 1000, gid: 1000, effective: [] };
const WITHOUT_ADMIN = { ...GOOD.credentials, effective: ['CAP_SYS_CHROOT'] };
const IN_DOCKER = { inside: true, kept: 'docker', markers: ['/.dockerenv'], foreign: [] };

function host(spoiled: Partial<LinuxFacts>): HostFacts {
  return { platform: 'linux', architecture: 'x64', node: '24', linux: { ...GOOD, ...spoiled } };
}

/** Each blocker's id with the labs that it blocks. */
function blocked(facts: HostFacts): Record<string, string> {
  const labs: Record<string, string> = {};
  for (const lab of LABS) {
    for (const { id } of blockers(facts, lab)) labs[id] = `${labs[id] ?? ''} ${lab}`.trim();
  }
  return labs;
}

function remedyOf(facts: HostFacts, id: string): string | undefined {
  const all = [...LABS.flatMap((lab) => blockers(facts, lab)), ...notes(facts)];
  return all.find((blocker) => blocker.id === id)?.remedy;
}

const BUILDING = '01 02 03 04 05 06 07 08';

describe('where nothing is missing', () => {
  it('blocks no lab and notes nothing', () => {
    expect(blocked(host({}))).toEqual({});
    expect(notes(host({}))).toEqual([]);
  });

  it('runs as root where it can, else in a user namespace', () => {
    expect(wayToRun(GOOD)).toBe('root');
    expect(wayToRun({ ...GOOD, credentials: USER, probes: { self: WALLED, user: ALLOWED } })).toBe(
      'user namespace',
    );
    const asUser = host({ credentials: USER, probes: { self: WALLED, user: ALLOWED } });
    expect(blocked(asUser)).toEqual({ 'cgroup-v1-root': '07', 'cgroup-v2-root': '08' });
    expect(remedyOf(asUser, 'cgroup-v1-root')).toContain('sudo');
  });

  it('does not send root into a user namespace, as labs do not', () => {
    const probes = { self: WALLED, user: ALLOWED };
    expect(wayToRun({ ...GOOD, credentials: WITHOUT_ADMIN, probes })).toBeNull();
  });

  it('goes by the switches where nothing could be tried', () => {
    const untried = { tried: false, refused: {} };
    const probes = { self: untried, user: untried };
    expect(wayToRun({ ...GOOD, credentials: USER, probes })).toBe('user namespace');
    const settings = { ...GOOD.settings, max: 0 };
    expect(wayToRun({ ...GOOD, credentials: USER, probes, settings })).toBeNull();
  });
});

/** What is spoiled, what it blocks, and a word that the remedy must hold. */
const CASES: [string, HostFacts, Record<string, string>, string][] = [
  ['macOS', { ...host({}), platform: 'darwin', linux: null }, { linux: LABS.join(' ') }, 'virtual'],
  [
    'another processor',
    { ...host({}), architecture: 'riscv64' },
    { architecture: BUILDING },
    'x64',
  ],
  ['a 32-bit Node', { ...host({}), architecture: 'arm' }, { architecture: BUILDING }, '64-bit'],
  ['an old kernel', host({ kernel: describeKernel('5.10.0') }), { kernel: BUILDING }, 'CLOEXEC'],
  ['WSL 1', host({ kernel: describeKernel('4.4.0'), wsl: 1 }), { kernel: BUILDING }, 'wsl'],
  [
    'an initramfs as root',
    host({ fileSystems: { ...GOOD.fileSystems, rootType: 'rootfs' } }),
    { 'root-mount': '03 04 05 06 07 08' },
    'initramfs',
  ],
  [
    'a state directory that lets nothing run',
    host({
      fileSystems: { ...GOOD.fileSystems, state: { ...GOOD.fileSystems.state, noexec: true } },
    }),
    { 'state-directory': BUILDING },
    'noexec',
  ],
  [
    'a full disk',
    host({
      fileSystems: { ...GOOD.fileSystems, state: { ...GOOD.fileSystems.state, freeBytes: 1e6 } },
    }),
    { 'state-directory': BUILDING },
    'room',
  ],
  [
    'a docker container without privileges',
    host({
      container: IN_DOCKER,
      credentials: WITHOUT_ADMIN,
      probes: { self: WALLED, user: REFUSED },
    }),
    { container: BUILDING },
    'docker run --privileged',
  ],
  [
    'a container whose /proc is covered',
    host({
      container: IN_DOCKER,
      probes: { self: { tried: true, refused: { proc: 'mount failed' } }, user: ALLOWED },
    }),
    { 'namespace-proc': '04 06 07 08' },
    '--privileged',
  ],
  [
    'root without CAP_SYS_ADMIN',
    host({ credentials: WITHOUT_ADMIN, probes: { self: WALLED, user: REFUSED } }),
    { privilege: BUILDING },
    'CAP_SYS_ADMIN',
  ],
  [
    'user.max_user_namespaces = 0',
    host({
      credentials: USER,
      probes: { self: WALLED, user: REFUSED },
      settings: { ...GOOD.settings, max: 0 },
    }),
    { privilege: BUILDING },
    'sysctl -w user.max_user_namespaces',
  ],
  [
    'kernel.unprivileged_userns_clone = 0',
    host({
      credentials: USER,
      probes: { self: WALLED, user: REFUSED },
      settings: { ...GOOD.settings, unprivilegedClone: 0 },
    }),
    { privilege: BUILDING },
    'sysctl -w kernel.unprivileged_userns_clone=1',
  ],
  [
    "AppArmor's restriction, from which unshare is exempt",
    host({
      credentials: USER,
      probes: { self: WALLED, user: ALLOWED },
      settings: { ...GOOD.settings, apparmorRestricts: 1 },
    }),
    { privilege: BUILDING },
    'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
  ],
  [
    'a kernel without user namespaces',
    host({
      credentials: USER,
      probes: { self: WALLED, user: REFUSED },
      namespaces: { ...GOOD.namespaces, user: null },
    }),
    { privilege: BUILDING },
    'sudo',
  ],
  [
    'a seccomp filter',
    host({
      credentials: { ...USER, seccomp: 'filter' },
      probes: { self: WALLED, user: REFUSED },
    }),
    { privilege: BUILDING },
    'seccomp',
  ],
  [
    'a refusal without a known reason',
    host({ credentials: USER, probes: { self: WALLED, user: REFUSED } }),
    { privilege: BUILDING },
    'Operation not permitted',
  ],
  [
    'network namespaces at their limit',
    host({ probes: { self: { tried: true, refused: { network: 'No space' } }, user: ALLOWED } }),
    { 'namespace-network': '05 06 07 08' },
    '/proc/sys/user',
  ],
  [
    'a covered /proc, as a user',
    host({
      credentials: USER,
      probes: { self: WALLED, user: { tried: true, refused: { proc: 'mount failed' } } },
      fileSystems: { ...GOOD.fileSystems, coveredProc: ['/proc/kcore'] },
    }),
    { 'namespace-proc': '04 06 07 08', 'cgroup-v1-root': '07', 'cgroup-v2-root': '08' },
    'unmount what covers /proc/kcore, or run',
  ],
  [
    'a security module that lets root mount nothing',
    host({ probes: { self: WALLED, user: REFUSED } }),
    { privilege: BUILDING },
    'mounting was refused',
  ],
  ['no ldd', host({ tools: { ...GOOD.tools, ldd: null } }), { 'tool-ldd': BUILDING }, 'libc-bin'],
  ['no ip', host({ tools: { ...GOOD.tools, ip: null } }), { 'tool-ip': '05 06 07 08' }, 'iproute2'],
  [
    'no nft',
    host({ tools: { ...GOOD.tools, nft: null } }),
    { 'tool-nft': '05 06 07 08' },
    'nftables',
  ],
  [
    "busybox' nsenter, on Alpine",
    host({
      distribution: { id: 'alpine', name: 'Alpine', packages: 'apk' },
      tools: { ...GOOD.tools, nsenter: { path: '/bin/nsenter', version: '1.36.1', busybox: true } },
    }),
    { 'tool-nsenter': '06 07 08' },
    'apk add util-linux-misc',
  ],
];

describe.each(CASES)('%s', (_, facts, expected, word) => {
  it('blocks just the labs that it concerns', () => {
    expect(blocked(facts)).toEqual(expected);
  });

  it('comes with a remedy of one line', () => {
    const remedy = remedyOf(facts, Object.keys(expected)[0] ?? '');
    expect(remedy).toContain(word);
    expect(remedy).not.toMatch(/\n|undefined|null/);
  });

  it('can be shown as a table', () => {
    const rows = describeHost(facts).flatMap((group) => group.rows);
    expect(rows.filter(({ value }) => /undefined|null|\n/.test(value))).toEqual([]);
    expect(rows.filter(({ met }) => met === false)).toHaveLength(1);
  });
});

describe('what one lab, or a later one, will miss', () => {
  const bound = (v1: boolean, v2: boolean) => ({
    ...GOOD.cgroups,
    controllers: Object.fromEntries(
      ['cpu', 'memory', 'pids'].map((name) => [name, { v1: v1 ? `/${name}` : null, v2 }]),
    ),
  });

  it('is version 1 of cgroups, for which there is a virtual machine', () => {
    const facts = host({ cgroups: bound(false, true) });
    expect(blocked(facts)).toEqual({ 'cgroup-v1': '07' });
    expect(remedyOf(facts, 'cgroup-v1')).toContain('UNBOXED_VM=v1 npm run vm:lab:07');
  });

  it('is version 2 of cgroups, likewise', () => {
    const facts = host({ cgroups: bound(true, false) });
    expect(blocked(facts)).toEqual({ 'cgroup-v2': '08' });
    expect(remedyOf(facts, 'cgroup-v2')).toContain('npm run vm:lab:08');
  });

  it('is noted and blocks nothing where no lab is there yet', () => {
    const spoiled: [Partial<LinuxFacts>, string][] = [[{ overlayMounts: false }, 'overlay']];
    for (const [facts, id] of spoiled) {
      expect(blocked(host(facts))).toEqual({});
      expect(notes(host(facts)).map((note) => note.id)).toEqual([id]);
    }
  });

  it('is, of overlay, the module where there is one', () => {
    const fileSystems = { ...GOOD.fileSystems, overlay: 'module' as const };
    const facts = host({ overlayMounts: false, fileSystems });
    expect(remedyOf(facts, 'overlay')).toBe('sudo modprobe overlay');
  });
});
