/**
 * What a test or a lab needs of the machine, looked up for real: a command on PATH, a file of the
 * kernel, a capability. Nothing is assumed, and what is missing is named with the reason.
 *
 * capabilities(7), user_namespaces(7), filesystems(5)
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  statfsSync,
} from 'node:fs';
import { release, tmpdir } from 'node:os';
import { detectCgroups } from './cgroups.ts';
import { findCommand } from './command.ts';
import { orGone, orNull, readProcFile } from './proc-file.ts';
import { readStatus } from './status.ts';

/** Null when it is there, else why not. */
type Lookup = () => string | null;

/** Of statfs(2). */
const TMPFS_MAGIC = 0x01021994;
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

const LOOKUPS = {
  linux: () => (process.platform === 'linux' ? null : `this is ${process.platform}, not Linux`),
  x64: () => (process.arch === 'x64' ? null : `this is ${process.arch}, not x86-64`),
  arm64: () => (process.arch === 'arm64' ? null : `this is ${process.arch}, not arm64`),
  /** Uid 0 that may mount; uid 0 in a container often may not. */
  root: lookUpRoot,
  'net-admin': () => lookUpCapability(CAP_NET_ADMIN, 'CAP_NET_ADMIN'),
  /** User namespaces that the present user may create. */
  userns: lookUpUserNamespaces,
  overlay: lookUpOverlay,
  /** Attributes that a user may name, on a tmpfs. */
  'linux-6.6': () => lookUpRelease(6, 6),
  /** `lowerdir+` in the calls of the new mount interface, and whiteouts that are attributes. */
  'linux-6.8': () => lookUpRelease(6, 8),
  /** On the file system where temporary files go, the attributes that a user may name. */
  'user-attributes': lookUpUserAttributes,
  /** A file system that this process serves. */
  fuse: lookUpFuse,
  kvm: lookUpKvm,
  'cgroup-v1': () => {
    const { controllers, named } = detectCgroups();
    const mounted = Object.values(controllers).some(({ v1 }) => v1 !== null);
    return mounted || Object.keys(named).length > 0 ? null : 'no cgroup v1 hierarchy is mounted';
  },
  'cgroup-v2': () => (detectCgroups().v2 === null ? 'no cgroup v2 tree is mounted' : null),
  as: () => lookUpCommands('as'),
  busybox: () => lookUpCommands('busybox'),
  cc: () => lookUpCommands('cc', 'gcc', 'clang'),
  'as-arm64': () => lookUpCommands('aarch64-linux-gnu-as'),
  'cc-arm64': () => lookUpCommands('aarch64-linux-gnu-gcc'),
  crun: () => lookUpCommands('crun'),
  findmnt: () => lookUpCommands('findmnt'),
  ip: () => lookUpCommands('ip'),
  iptables: () => lookUpCommands('iptables'),
  ldd: () => lookUpCommands('ldd'),
  lsns: () => lookUpCommands('lsns'),
  nft: () => lookUpCommands('nft'),
  nsenter: () => lookUpCommands('nsenter'),
  objcopy: () => lookUpCommands('objcopy'),
  objdump: () => lookUpCommands('objdump'),
  ping: () => lookUpCommands('ping'),
  ps: () => lookUpCommands('ps'),
  'qemu-arm64': () => lookUpCommands('qemu-aarch64', 'qemu-aarch64-static'),
  runc: () => lookUpCommands('runc'),
  setpriv: () => lookUpCommands('setpriv'),
  stat: () => lookUpCommands('stat'),
  strace: () => lookUpCommands('strace'),
  tar: () => lookUpCommands('tar'),
  tmux: () => lookUpCommands('tmux'),
  unshare: () => lookUpCommands('unshare'),
} satisfies Record<string, Lookup>;

/**
 * One of the names above, any other command as `command:NAME`, or a controller of one version of
 * cgroups that this process may use, as `v1:memory` or `v2:io`.
 */
export type Need = keyof typeof LOOKUPS | `command:${string}` | `v${1 | 2}:${string}`;

export interface NeedsMet {
  met: boolean;
  /** Everything that is missing, in one line; empty when nothing is. */
  reason: string;
}

/** Whether the machine has all of these. Off Linux, whatever needs the kernel's files is missing. */
export function needs(...names: Need[]): NeedsMet {
  const missing = names.flatMap((name) => {
    const why = lookUp(name);
    return why === null ? [] : [`${name}: ${why}`];
  });
  return { met: missing.length === 0, reason: missing.join('; ') };
}

function lookUp(name: Need): string | null {
  if (isListed(name)) return LOOKUPS[name]();
  if (name.startsWith('command:')) return lookUpCommands(name.slice('command:'.length));
  const [, version, controller = ''] = /^v([12]):(\w+)$/.exec(name) ?? [];
  if (version !== undefined) return lookUpController(version === '1' ? 'v1' : 'v2', controller);
  throw new TypeError(`needs: no such name: ${name}; a command is written command:NAME`);
}

function lookUpController(version: 'v1' | 'v2', name: string): string | null {
  const { controllers, v2 } = detectCgroups();
  const { v1 = null, v2: unified = false } = controllers[name] ?? {};
  const there = version === 'v1' ? v1 : unified ? v2 : null;
  if (there === null) return `this machine does not have ${name} in cgroup ${version}`;
  try {
    accessSync(there, constants.W_OK);
    return null;
  } catch {
    return `${there} may not be written`;
  }
}

function isListed(name: string): name is keyof typeof LOOKUPS {
  return Object.hasOwn(LOOKUPS, name);
}

function lookUpCommands(...names: string[]): string | null {
  if (names.some((name) => findCommand(name) !== null)) return null;
  return `${names.join(' or ')} is not installed`;
}

function lookUpRoot(): string | null {
  const uid = process.geteuid?.();
  if (uid !== 0) return `this is uid ${uid}; run as root`;
  return lookUpCapability(CAP_SYS_ADMIN, 'CAP_SYS_ADMIN');
}

function lookUpCapability(capability: bigint, name: string): string | null {
  const status = orNull(() => readStatus('self'));
  if (status === null) return 'there is no /proc/self/status';
  if ((status.capEff >> capability) & 1n) return null;
  return `${name} is missing from CapEff; run as root, outside another container`;
}

function lookUpUserNamespaces(): string | null {
  const setting = (path: string) => orNull(() => readProcFile(`/proc/sys/${path}`))?.trim();
  if (!existsSync('/proc/self/ns/user')) return 'this kernel has no user namespaces';
  if (setting('user/max_user_namespaces') === '0') return 'user.max_user_namespaces is 0';
  if (lookUpRoot() === null) return null;
  if (setting('kernel/unprivileged_userns_clone') === '0') {
    return 'kernel.unprivileged_userns_clone is 0';
  }
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'kernel.apparmor_restrict_unprivileged_userns is 1';
  }
  return null;
}

function lookUpFuse(): string | null {
  try {
    closeSync(openSync('/dev/fuse', 'r+'));
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return `/dev/fuse cannot be opened: ${code}; modprobe fuse`;
  }
}

function lookUpOverlay(): string | null {
  const filesystems = orGone(() => readProcFile('/proc/filesystems')) ?? '';
  if (/\toverlay$/m.test(filesystems)) return null;
  // Not loaded yet is as good: the first mount loads the module.
  const modules = `/lib/modules/${release()}/modules.dep`;
  if (existsSync(modules) && /\/overlay\.ko/.test(readFileSync(modules, 'utf8'))) return null;
  return 'overlay is neither in /proc/filesystems nor a module of this kernel';
}

function lookUpRelease(major: number, minor: number): string | null {
  const [ours = 0, its = 0] = release().split('.').map(Number);
  if (ours > major || (ours === major && its >= minor)) return null;
  return `this is Linux ${release()}, older than ${major}.${minor}`;
}

function lookUpUserAttributes(): string | null {
  const old = lookUpRelease(6, 6);
  if (old === null || statfsSync(tmpdir()).type !== TMPFS_MAGIC) return null;
  return `${tmpdir()} is a tmpfs, which has user.* attributes since Linux 6.6, and ${old}`;
}

function lookUpKvm(): string | null {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return `/dev/kvm: ${(error as NodeJS.ErrnoException).code}`;
  }
}
