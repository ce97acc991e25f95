/**
 * Structures that system calls take in memory, as bytes: little endian, as both architectures
 * are here.
 */
import type { Linked } from './arguments.ts';

/** linux/sched.h `struct clone_args`, version 2 (88 bytes). clone(2) */
export interface CloneArgs {
  flags: number;
  /** Address where the kernel stores a pidfd in the parent (CLONE_PIDFD). */
  pidfd?: number;
  /** Address where the kernel stores the child's pid in the parent (CLONE_PARENT_SETTID). */
  parentTid?: number;
  exitSignal?: number;
  /** Lowest address of the child's stack; none without CLONE_VM means a copy of the parent's. */
  stack?: number;
  stackSize?: number;
  /** Descriptor of a cgroup v2 directory (CLONE_INTO_CGROUP). */
  cgroup?: number;
}

export function encodeCloneArgs(args: CloneArgs): Uint8Array {
  const { flags, pidfd = 0, parentTid = 0, exitSignal = 0 } = args;
  const { stack = 0, stackSize = 0, cgroup = 0 } = args;
  const words = [flags, pidfd, 0, parentTid, exitSignal, stack, stackSize, 0, 0, 0, cgroup];
  return new Uint8Array(BigUint64Array.from(words, BigInt).buffer);
}

/**
 * linux/prctl.h `struct prctl_mm_map` (104 bytes): a process without code, data, heap, arguments or
 * environment of its own, whose executable file is `exe`. PR_SET_MM_MAP in PR_SET_MM(2const)
 */
export function encodeMmMap({ exe }: { exe: number }): Uint8Array {
  // Of code the end has to be above the start; nothing has to be mapped at any of them.
  const lowest = 0x10000n;
  const bytes = Buffer.alloc(104);
  for (let word = 0; word < 11; word++) bytes.writeBigUInt64LE(lowest, word * 8);
  bytes.writeBigUInt64LE(lowest + 1n, 8);
  bytes.writeUInt32LE(exe, 100);
  return new Uint8Array(bytes);
}

/** linux/mount.h `struct mount_attr` (32 bytes). mount_setattr(2) */
export function encodeMountAttr(attr: {
  set?: number;
  clear?: number;
  propagation?: number;
  userns?: number;
}): Uint8Array {
  const words = [attr.set ?? 0, attr.clear ?? 0, attr.propagation ?? 0, attr.userns ?? 0];
  return new Uint8Array(BigUint64Array.from(words, BigInt).buffer);
}

/** linux/openat2.h `struct open_how` (24 bytes). openat2(2) */
export function encodeOpenHow(how: { flags: number; mode?: number; resolve?: number }): Uint8Array {
  const words = [how.flags, how.mode ?? 0, how.resolve ?? 0];
  return new Uint8Array(BigUint64Array.from(words, BigInt).buffer);
}

/** linux/capability.h version 3: header (8 bytes) and data (24 bytes) for capset(2). */
export function encodeCapabilities(sets: {
  effective: bigint;
  permitted: bigint;
  inheritable: bigint;
}): { header: Uint8Array; data: Uint8Array } {
  const header = new Uint8Array(Uint32Array.of(0x20080522, 0).buffer);
  const words = [0n, 32n].flatMap((shift) =>
    [sets.effective, sets.permitted, sets.inheritable].map((set) =>
      Number((set >> shift) & 0xffffffffn),
    ),
  );
  return { header, data: new Uint8Array(Uint32Array.from(words).buffer) };
}

/** asm-generic/termios.h `struct winsize` (8 bytes). ioctl_tty(2) */
export function encodeWinsize(size: { rows: number; columns: number }): Uint8Array {
  return new Uint8Array(Uint16Array.of(size.rows, size.columns, 0, 0).buffer);
}

/** linux/if.h `struct ifreq` with flags (40 bytes). netdevice(7) */
export function encodeInterfaceFlags(name: string, flags: number): Uint8Array {
  const bytes = Buffer.alloc(40);
  bytes.write(name, 0, 15);
  bytes.writeInt16LE(flags, 16);
  return new Uint8Array(bytes);
}

/** <sys/resource.h> `struct rlimit`, 64 bits each (16 bytes); -1 is RLIM_INFINITY. prlimit(2) */
export function encodeRlimit(limit: { soft: bigint; hard: bigint }): Uint8Array {
  const words = BigUint64Array.of(BigInt.asUintN(64, limit.soft), BigInt.asUintN(64, limit.hard));
  return new Uint8Array(words.buffer);
}

/** linux/sched/types.h `struct sched_attr`, first version (48 bytes); nanoseconds. sched_setattr(2) */
export function encodeSchedAttr(attr: {
  policy: number;
  flags?: number;
  nice?: number;
  priority?: number;
  runtime?: number;
  deadline?: number;
  period?: number;
}): Uint8Array {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(48, 0);
  bytes.writeUInt32LE(attr.policy, 4);
  bytes.writeBigUInt64LE(BigInt(attr.flags ?? 0), 8);
  bytes.writeInt32LE(attr.nice ?? 0, 16);
  bytes.writeUInt32LE(attr.priority ?? 0, 20);
  [attr.runtime, attr.deadline, attr.period].forEach((time, i) => {
    bytes.writeBigUInt64LE(BigInt(time ?? 0), 24 + 8 * i);
  });
  return new Uint8Array(bytes);
}

/** A device number as mknod(2) takes it. makedev(3) */
export function makeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** linux/filter.h `struct sock_fprog` (16 bytes); `filter` is whole instructions. seccomp(2) */
export function encodeSockFprog(filter: Uint8Array): Linked {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint16(0, filter.length / 8, true);
  return { bytes, links: [{ at: 8, to: filter }] };
}

/** linux/bpf.h `union bpf_attr` of BPF_PROG_LOAD, up to `prog_name`; addresses of memory. bpf(2) */
export function encodeBpfLoad(load: {
  type: number;
  /** How many instructions, of eight bytes each. */
  count: number;
  instructions: number;
  license: number;
  /** At most 15 letters, digits, dots and underscores; empty is none. */
  name: string;
}): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(load.type, 0);
  bytes.writeUInt32LE(load.count, 4);
  bytes.writeBigUInt64LE(BigInt(load.instructions), 8);
  bytes.writeBigUInt64LE(BigInt(load.license), 16);
  bytes.write(load.name, 48, 15, 'latin1');
  return new Uint8Array(bytes);
}

/** linux/bpf.h `union bpf_attr` of BPF_PROG_ATTACH and BPF_PROG_DETACH, its first four fields. bpf(2) */
export function encodeBpfAttach(attach: {
  target: number;
  program: number;
  type: number;
  flags: number;
}): Uint8Array {
  const { target, program, type, flags } = attach;
  return new Uint8Array(Uint32Array.of(target, program, type, flags).buffer);
}

/**
 * linux/bpf.h `union bpf_attr` of BPF_PROG_QUERY; the kernel writes the count into it, and to the
 * address `ids` as many of them as there is room for. bpf(2)
 */
export function encodeBpfQuery(query: {
  target: number;
  type: number;
  ids?: { address: number; room: number };
}): Uint8Array {
  const { target, type, ids = { address: 0, room: 0 } } = query;
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(target, 0);
  bytes.writeUInt32LE(type, 4);
  bytes.writeBigUInt64LE(BigInt(ids.address), 16);
  bytes.writeUInt32LE(ids.room, 24);
  return new Uint8Array(bytes);
}

/** How many programs there are, from what `encodeBpfQuery` gave after the call. */
export function decodeBpfQuery(query: Uint8Array): number {
  return new DataView(query.buffer, query.byteOffset).getUint32(24, true);
}

/** linux/bpf.h `union bpf_attr` of BPF_PROG_GET_FD_BY_ID. bpf(2) */
export const encodeBpfId = (id: number): Uint8Array =>
  new Uint8Array(Uint32Array.of(id, 0, 0).buffer);

/** linux/bpf.h `union bpf_attr` of BPF_OBJ_GET_INFO_BY_FD: where the kernel puts what. bpf(2) */
export function encodeBpfInfo(info: { fd: number; length: number; address: number }): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(info.fd, 0);
  bytes.writeUInt32LE(info.length, 4);
  bytes.writeBigUInt64LE(BigInt(info.address), 8);
  return new Uint8Array(bytes);
}

/** linux/bpf.h `struct bpf_prog_info`, up to `name`. */
export const BPF_PROG_INFO_SIZE = 80;

/** Its name. */
export const decodeBpfProgramName = (info: Uint8Array): string =>
  Buffer.from(info.subarray(64, 80)).toString('latin1').replace(/\0.*$/s, '');

/** <signal.h> siginfo_t of waitid(2): which child changed, and how. Zero pid: none has. */
export function decodeSiginfo(info: Uint8Array): { pid: number; code: number; status: number } {
  const view = new DataView(info.buffer, info.byteOffset);
  return {
    code: view.getInt32(8, true),
    pid: view.getInt32(16, true),
    status: view.getInt32(24, true),
  };
}
