/**
 * The runtime for a container of an image: a root that is an overlay of the image's layers, mount
 * points and a layer to write into; everything else in it is made here, after the root has been
 * exchanged, so that no link in the image can name a path of the host.
 *
 * What the container is given of the host (its names, its resolver) is opened before that, as
 * detached mounts, and put in place from inside.
 *
 * OCI runtime-spec, config.md and config-linux.md; Docker's defaults for devices, masked paths and
 * capabilities
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Action } from '../host/action.ts';
import { CAPABILITIES, type Capability, numberOfCapability } from '../kernel/capabilities.ts';
import {
  AT_FDCWD,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  PR_CAPBSET_DROP,
  S_IFCHR,
  S_IFREG,
} from '../kernel/constants.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import { makeDevice } from '../kernel/structs.ts';
import { type Calls, launch } from '../launch/program.ts';
import { executeOnPath } from './execute.ts';
import type { Runtime } from './runtime.ts';

/** A file of the host that the container sees at a path of its own. */
export interface BindMount {
  /** An absolute path on the host. */
  source: string;
  /** Absolute, in the container; a file or directory has to be there. */
  target: string;
}

export interface ImageContainer {
  /** Unique on this machine; also the value of `container` in the environment. */
  id: string;
  /** Where the overlay is mounted, an absolute path. */
  rootfs: string;
  hostname: string;
  /** `argv[0]` is a path in the root, or a name that PATH of `env` leads to. */
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
  /** An absolute path in the root. */
  cwd: string;
  user: { uid: number; gid: number; groups: readonly number[] };
  binds: readonly BindMount[];
  /** Namespaces that it shares with the host: the network, or none. */
  shares: readonly 'network'[];
  /** What its root may do, at most. */
  capabilities?: readonly Capability[];
  /**
   * Whether this process is root in a user namespace alone. Then no device can be made, those of the
   * host are bound in; groups are not set, for the kernel may have given that up.
   */
  confined?: boolean;
}

export interface HostHalf {
  /** Before the clone: the overlay, where somebody else has not mounted it. */
  prepare?: readonly Action[];
  /** While the container waits, in its namespaces already: its end of a cable, its address. */
  connect?: (pid: number) => readonly Action[];
}

export const DEFAULT_CAPABILITIES: readonly Capability[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_RAW',
  'CAP_SYS_CHROOT',
  'CAP_MKNOD',
  'CAP_AUDIT_WRITE',
  'CAP_SETFCAP',
];

const OWN: readonly Namespace[] = ['mount', 'pid', 'uts', 'ipc', 'network'];

export function imageRuntime(container: ImageContainer, half: HostHalf = {}): Runtime {
  const { rootfs, hostname, shares, user, cwd, confined = false } = container;
  const binds = [...container.binds, ...(confined ? boundDevices() : [])];
  const { prepare = [], connect } = half;
  const namespaces = OWN.filter((namespace) => !shares.some((shared) => shared === namespace));
  const program = launch({ namespaces }, (call) => {
    if (connect) call.gate('network');
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    const opened = binds.map(({ source, target }) => ({
      tree: call.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC),
      target,
    }));
    call.mount(rootfs, rootfs, null, MS_BIND | MS_REC);
    call.chdir(rootfs);
    call.pivotRoot('.', '.');
    call.umask(0);
    // While the host's are still mounted: in a user namespace, the kernel asks for it.
    call.mount('proc', '/proc', 'proc', MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mountSysfs(call, confined && shares.includes('network'));
    call.umount2('.', MNT_DETACH);
    call.chdir('/');
    makeDevices(call, confined);
    for (const { tree, target } of opened) {
      call.moveMount(tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    }
    closeKernelFiles(call, confined && shares.includes('network') ? ['/proc'] : ['/proc', '/sys']);
    call.sethostname(hostname);
    call.umask(0o022);
    call.chdir(cwd);
    dropCapabilities(call, container.capabilities ?? DEFAULT_CAPABILITIES);
    if (!confined) call.setgroups(user.groups);
    call.setgid(user.gid);
    // Last: a uid other than 0 loses every capability by it.
    call.setuid(user.uid);
    executeOnPath(call, container);
  });
  return { prepare, program, connect: connect ?? (() => []) };
}

const DEVICES = [
  ['null', 1, 3],
  ['zero', 1, 5],
  ['full', 1, 7],
  ['random', 1, 8],
  ['urandom', 1, 9],
  ['tty', 5, 0],
] as const;

const DEVICE_LINKS = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['pts/ptmx', '/dev/ptmx'],
] as const;

const boundDevices = (): BindMount[] =>
  DEVICES.map(([name]) => ({ source: `/dev/${name}`, target: `/dev/${name}` }));

/** It shows the network devices of its mounter's network namespace, and only its owner may mount it. */
function mountSysfs(call: Calls, ofAnother: boolean): void {
  if (ofAnother) return;
  call.mount('sysfs', '/sys', 'sysfs', MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY);
}

/** In a file system of its own: nothing of it is left in the layer. */
function makeDevices(call: Calls, confined: boolean): void {
  call.mount('tmpfs', '/dev', 'tmpfs', MS_NOSUID | MS_NOEXEC, 'mode=755,size=65536k');
  for (const [name, major, minor] of DEVICES) {
    // An empty file to bind the host's device on, or the device itself.
    const [kind, device] = confined ? [S_IFREG, 0] : [S_IFCHR, makeDevice(major, minor)];
    call.mknodat(AT_FDCWD, `/dev/${name}`, kind | 0o666, device);
  }
  for (const [target, path] of DEVICE_LINKS) call.symlinkat(target, AT_FDCWD, path);
  call.mkdirat(AT_FDCWD, '/dev/pts', 0o755);
  // The group of terminals is not mapped in a user namespace of one user.
  const terminals = `newinstance,ptmxmode=0666,mode=0620${confined ? '' : ',gid=5'}`;
  call.mount('devpts', '/dev/pts', 'devpts', MS_NOSUID | MS_NOEXEC, terminals);
  call.mkdirat(AT_FDCWD, '/dev/shm', 0o1777);
  const shared = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  call.mount('tmpfs', '/dev/shm', 'tmpfs', shared, 'mode=1777,size=65536k');
}

/** Covered: they tell of the host, or hand out its secrets. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/firmware',
] as const;

/** Settings of the whole machine. */
const READ_ONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

/** The container's proc and sysfs have what this kernel's have. */
function closeKernelFiles(call: Calls, mounted: readonly string[]): void {
  const isThere = (path: string) =>
    mounted.some((top) => path.startsWith(`${top}/`)) && existsSync(path);
  for (const path of READ_ONLY.filter(isThere)) {
    const flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    call.mount(path, path, null, MS_BIND | MS_REC);
    call.mount(null, path, null, MS_BIND | MS_REMOUNT | MS_RDONLY | flags);
  }
  for (const path of MASKED.filter(isThere)) {
    if (isDirectory(path)) call.mount('tmpfs', path, 'tmpfs', MS_RDONLY, 'size=0k');
    else call.mount('/dev/null', path, null, MS_BIND);
  }
}

const isDirectory = (path: string) => existsSync(`${path}/.`);

/** What is not in the bounding set does not come back with execve, not even to root. */
function dropCapabilities(call: Calls, kept: readonly Capability[]): void {
  const numbers = new Set(kept.map(numberOfCapability));
  const last = Math.min(lastCapability(), CAPABILITIES.length - 1);
  for (let number = 0; number <= last; number++) {
    if (!numbers.has(number)) call.prctl(PR_CAPBSET_DROP, number);
  }
}

/** An older kernel knows fewer, and refuses a number that it does not know. */
const lastCapability = () => Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
