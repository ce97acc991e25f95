/**
 * Every system call that the kit makes: its number on each architecture and what its arguments
 * are. One table serves three readers: direct calls, launch programs, and the messages that print
 * a call the way C would write it.
 * syscalls(2); numbers from asm/unistd_64.h and asm-generic/unistd.h
 */
import { type FlagSet, flagSets } from './flags.ts';

export type ParameterKind =
  | 'text' // a NUL-terminated string, or null
  | 'texts' // a null-terminated array of strings: argv, envp
  | 'fd'
  | 'int'
  | 'mode' // octal
  | 'bytes' // memory to read from or write to, or null
  | 'sigset' // a signal mask in memory
  | 'sigaction' // struct sigaction in memory
  | FlagSet;

export interface Signature {
  /** The name in C, as in the man page. */
  name: string;
  x64: number;
  arm64: number;
  parameters: readonly ParameterKind[];
}

const call = (
  name: string,
  x64: number,
  arm64: number,
  ...parameters: ParameterKind[]
): Signature => ({ name, x64, arm64, parameters });

const { mount, umount, clone, open, dup3, atFlags } = flagSets;
const { openTree, moveMount, mountAttr, closeRange, wait, fsopen } = flagSets;

export const signatures = {
  // mounts
  mount: call('mount', 165, 40, 'text', 'text', 'text', mount, 'text'),
  umount2: call('umount2', 166, 39, 'text', umount),
  pivotRoot: call('pivot_root', 155, 41, 'text', 'text'),
  openTree: call('open_tree', 428, 428, 'fd', 'text', openTree),
  moveMount: call('move_mount', 429, 429, 'fd', 'text', 'fd', 'text', moveMount),
  fsopen: call('fsopen', 430, 430, 'text', fsopen),
  fsconfig: call('fsconfig', 431, 431, 'fd', flagSets.fsconfig, 'text', 'text', 'int'),
  fsmount: call('fsmount', 432, 432, 'fd', fsopen, mountAttr),
  mountSetattr: call('mount_setattr', 442, 442, 'fd', 'text', atFlags, 'bytes', 'int'),
  // root and working directory
  chroot: call('chroot', 161, 51, 'text'),
  chdir: call('chdir', 80, 49, 'text'),
  fchdir: call('fchdir', 81, 50, 'fd'),
  // namespaces and processes
  unshare: call('unshare', 272, 97, clone),
  setns: call('setns', 308, 268, 'fd', clone),
  clone3: call('clone3', 435, 435, 'bytes', 'int'),
  execve: call('execve', 59, 221, 'text', 'texts', 'texts'),
  exit: call('exit_group', 231, 94, 'int'),
  getpid: call('getpid', 39, 172),
  getppid: call('getppid', 110, 173),
  ptrace: call('ptrace', 101, 117, 'int', 'int', 'int', 'int'),
  kill: call('kill', 62, 129, 'int', flagSets.signal),
  pidfdOpen: call('pidfd_open', 434, 434, 'int', 'int'),
  pidfdSendSignal: call('pidfd_send_signal', 424, 424, 'fd', flagSets.signal, 'bytes', 'int'),
  waitid: call('waitid', 247, 95, flagSets.idType, 'int', 'bytes', wait, 'bytes'),
  setsid: call('setsid', 112, 157),
  sethostname: call('sethostname', 170, 161, 'text', 'int'),
  setdomainname: call('setdomainname', 171, 162, 'text', 'int'),
  pidfdGetfd: call('pidfd_getfd', 438, 438, 'fd', 'fd', 'int'),
  // credentials and limits
  setuid: call('setuid', 105, 146, 'int'),
  setgid: call('setgid', 106, 144, 'int'),
  setfsuid: call('setfsuid', 122, 151, 'int'),
  setfsgid: call('setfsgid', 123, 152, 'int'),
  setgroups: call('setgroups', 116, 159, 'int', 'bytes'),
  umask: call('umask', 95, 166, 'mode'),
  prctl: call('prctl', 157, 167, flagSets.prctl, 'int', 'int', 'int', 'int'),
  capget: call('capget', 125, 90, 'bytes', 'bytes'),
  capset: call('capset', 126, 91, 'bytes', 'bytes'),
  prlimit64: call('prlimit64', 302, 261, 'int', flagSets.rlimit, 'bytes', 'bytes'),
  personality: call('personality', 135, 92, 'int'),
  schedSetattr: call('sched_setattr', 314, 274, 'int', 'bytes', 'int'),
  schedSetaffinity: call('sched_setaffinity', 203, 122, 'int', 'int', 'bytes'),
  ioprioSet: call('ioprio_set', 251, 30, 'int', 'int', 'int'),
  keyctl: call('keyctl', 250, 219, flagSets.keyctl, 'text'),
  keyctlSetperm: call('keyctl', 250, 219, flagSets.keyctl, 'fd', 'int'),
  // signals
  rtSigaction: call('rt_sigaction', 13, 134, flagSets.signal, 'sigaction', 'bytes', 'int'),
  rtSigprocmask: call('rt_sigprocmask', 14, 135, flagSets.sigHow, 'sigset', 'bytes', 'int'),
  // files and descriptors
  openat: call('openat', 257, 56, 'fd', 'text', open, 'mode'),
  openat2: call('openat2', 437, 437, 'fd', 'text', 'bytes', 'int'),
  close: call('close', 3, 57, 'fd'),
  closeRange: call('close_range', 436, 436, 'fd', 'fd', closeRange),
  memfdCreate: call('memfd_create', 319, 279, 'text', 'int'),
  dup3: call('dup3', 292, 24, 'fd', 'fd', dup3),
  fcntl: call('fcntl', 72, 25, 'fd', flagSets.fcntl, 'int'),
  pipe2: call('pipe2', 293, 59, 'bytes', open),
  read: call('read', 0, 63, 'fd', 'bytes', 'int'),
  write: call('write', 1, 64, 'fd', 'bytes', 'int'),
  ioctl: call('ioctl', 16, 29, 'fd', flagSets.ioctl, 'bytes'),
  mkdirat: call('mkdirat', 258, 34, 'fd', 'text', 'mode'),
  mknodat: call('mknodat', 259, 33, 'fd', 'text', 'mode', 'int'),
  symlinkat: call('symlinkat', 266, 36, 'text', 'fd', 'text'),
  linkat: call('linkat', 265, 37, 'fd', 'text', 'fd', 'text', atFlags),
  renameat2: call('renameat2', 316, 276, 'fd', 'text', 'fd', 'text', flagSets.rename),
  utimensat: call('utimensat', 280, 88, 'fd', 'text', 'bytes', atFlags),
  flock: call('flock', 73, 32, 'fd', flagSets.flock),
  unlinkat: call('unlinkat', 263, 35, 'fd', 'text', atFlags),
  lsetxattr: call('lsetxattr', 189, 6, 'text', 'text', 'bytes', 'int', flagSets.xattr),
  lgetxattr: call('lgetxattr', 192, 9, 'text', 'text', 'bytes', 'int'),
  llistxattr: call('llistxattr', 195, 12, 'text', 'bytes', 'int'),
  lremovexattr: call('lremovexattr', 198, 15, 'text', 'text'),
  fchownat: call('fchownat', 260, 54, 'fd', 'text', 'int', 'int', atFlags),
  fchmodat: call('fchmodat', 268, 53, 'fd', 'text', 'mode'),
  socket: call('socket', 41, 198, 'int', 'int', 'int'),
  socketpair: call('socketpair', 53, 199, 'int', 'int', 'int', 'bytes'),
  connect: call('connect', 42, 203, 'fd', 'bytes', 'int'),
  sendmsg: call('sendmsg', 46, 211, 'fd', 'bytes', 'int'),
  bpf: call('bpf', 321, 280, flagSets.bpf, 'bytes', 'int'),
  seccomp: call('seccomp', 317, 277, flagSets.seccomp, flagSets.seccompFilter, 'bytes'),
  // memory and time
  mmap: call('mmap', 9, 222, 'int', 'int', flagSets.prot, flagSets.map, 'fd', 'int'),
  mprotect: call('mprotect', 10, 226, 'int', 'int', flagSets.prot),
  munmap: call('munmap', 11, 215, 'int', 'int'),
  clockGettime: call('clock_gettime', 228, 113, 'int', 'bytes'),
  nanosleep: call('nanosleep', 35, 101, 'bytes', 'bytes'),
} satisfies Record<string, Signature>;

export type CallName = keyof typeof signatures;
