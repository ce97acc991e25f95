/**
 * The system calls as TypeScript functions. The same interface has two implementations:
 * `kernel` (call.ts) makes the call now, in this process; a launch program's builder
 * (lib/launch/program.ts) writes it down to be made later, in the container. There a descriptor,
 * or the pid that one is opened for, may also be the result of an earlier line.
 *
 * Arguments are in the order of C, with C's constants. Texts are NUL-terminated on the way.
 * `Bytes` is memory: what is in it is handed over, what the kernel writes is found in it.
 * Lengths that follow from another argument (of a text, of a structure) are filled in.
 */
import type { Linked } from './arguments.ts';

export type Bytes = Uint8Array | null;

/** A path; as bytes, which end with a NUL of their own, where it may not be UTF-8. */
export type Path = string | Uint8Array;

export interface Syscalls<Fd, Result> {
  /** mount(2) */
  mount(
    source: string | null,
    target: string,
    fstype: string | null,
    flags: number,
    data?: string | null,
  ): Result;
  /** umount(2) */
  umount2(target: string, flags: number): Result;
  /** pivot_root(2) */
  pivotRoot(newRoot: string, putOld: string): Result;
  /** open_tree(2): a descriptor of a mount, with OPEN_TREE_CLONE of a detached copy. */
  openTree(dirfd: Fd, path: string, flags: number): Result;
  /** move_mount(2) */
  moveMount(fromFd: Fd, fromPath: string, toFd: Fd, toPath: string, flags: number): Result;
  /** fsopen(2): a descriptor for configuring a new file system. */
  fsopen(fstype: string, flags: number): Result;
  /** fsconfig(2) */
  fsconfig(fd: Fd, command: number, key: string | null, value: string | null, aux: number): Result;
  /** fsmount(2): a descriptor of the detached mount. */
  fsmount(fd: Fd, flags: number, attributes: number): Result;
  /** mount_setattr(2) with a `struct mount_attr`, see structs.ts. */
  mountSetattr(dirfd: Fd, path: string, flags: number, attr: Uint8Array): Result;
  /** chroot(2) */
  chroot(path: string): Result;
  /** chdir(2) */
  chdir(path: string): Result;
  /** fchdir(2) */
  fchdir(fd: Fd): Result;
  /** unshare(2) */
  unshare(flags: number): Result;
  /** setns(2) */
  setns(fd: Fd, type: number): Result;
  /** execve(2): `env` is the whole environment; `argv[0]` is the caller's to give. */
  execve(path: string, argv: readonly string[], env: Readonly<Record<string, string>>): Result;
  /** exit_group(2) */
  exit(status: number): Result;
  /** getpid(2) */
  getpid(): Result;
  /** getppid(2) */
  getppid(): Result;
  /** ptrace(2) */
  ptrace(request: number, pid: number, address: number, data: number): Result;
  /** kill(2) */
  kill(pid: number, signal: number): Result;
  /** pidfd_open(2) */
  pidfdOpen(pid: Fd, flags: number): Result;
  /** pidfd_send_signal(2) */
  pidfdSendSignal(pidfd: Fd, signal: number): Result;
  /** waitid(2): `info` receives a siginfo_t of 128 bytes. */
  waitid(idType: number, id: number, info: Bytes, options: number): Result;
  /** setsid(2) */
  setsid(): Result;
  /** sethostname(2) */
  sethostname(name: string): Result;
  /** setdomainname in getdomainname(2) */
  setdomainname(name: string): Result;
  /** pidfd_getfd(2): a copy of another process's descriptor. */
  pidfdGetfd(pidfd: Fd, theirs: Fd, flags: number): Result;
  /** setuid(2) */
  setuid(uid: number): Result;
  /** setgid(2) */
  setgid(gid: number): Result;
  /** setfsuid(2): the result is the user that it was, whether or not it is another one now. */
  setfsuid(uid: number): Result;
  /** setfsgid(2), likewise. */
  setfsgid(gid: number): Result;
  /** setgroups(2) */
  setgroups(gids: readonly number[]): Result;
  /** umask(2) */
  umask(mask: number): Result;
  /** prctl(2) */
  prctl(
    option: number,
    arg2: number,
    arg3?: number | Uint8Array,
    arg4?: number,
    arg5?: number,
  ): Result;
  /** capget(2), see structs.ts */
  capget(header: Uint8Array, data: Uint8Array): Result;
  /** capset(2), see structs.ts */
  capset(header: Uint8Array, data: Uint8Array): Result;
  /** prlimit(2): `limit` is soft and hard, 64 bits each, see structs.ts; `pid` 0 is the caller. */
  prlimit64(pid: number, resource: number, limit: Uint8Array): Result;
  /** personality(2) */
  personality(persona: number): Result;
  /** sched_setattr(2) with a `struct sched_attr`, see structs.ts; `pid` 0 is the caller. */
  schedSetattr(pid: number, attr: Uint8Array, flags: number): Result;
  /** sched_setaffinity(2): bit n of the mask is processor n. */
  schedSetaffinity(pid: number, mask: Uint8Array): Result;
  /** ioprio_set(2) */
  ioprioSet(which: number, who: number, priority: number): Result;
  /** keyctl(2), those operations that take a name. */
  keyctl(operation: number, name: string | null): Result;
  /** KEYCTL_SETPERM(2const): four bytes of rights: of who has it, its user, its group, others. */
  keyctlSetperm(key: Fd, permissions: number): Result;
  /** sigaction(2): back to SIG_DFL, the only disposition that outlives execve and makes sense. */
  rtSigaction(signal: number, action: 'SIG_DFL' | 'SIG_IGN'): Result;
  /** sigprocmask(2): `signals` by number; an empty list with SIG_SETMASK blocks nothing. */
  rtSigprocmask(how: number, signals: readonly number[]): Result;
  /** openat(2) */
  openat(dirfd: Fd, path: Path, flags: number, mode?: number): Result;
  /** openat2(2) with a `struct open_how`, see structs.ts. */
  openat2(dirfd: Fd, path: Path, how: Uint8Array): Result;
  /** close(2) */
  close(fd: Fd): Result;
  /** close_range(2): `last` 0xffffffff is no end. */
  closeRange(first: number, last: number, flags: number): Result;
  /** memfd_create(2) */
  memfdCreate(name: string, flags: number): Result;
  /** dup3(2): clears close-on-exec unless O_CLOEXEC is given. Equal descriptors are EINVAL. */
  dup3(oldFd: Fd, newFd: number, flags: number): Result;
  /** fcntl(2) with a number as its argument */
  fcntl(fd: Fd, command: number, argument: number): Result;
  /** pipe(2): `pair` receives two 32-bit descriptors, the reading end first. */
  pipe2(pair: Uint8Array, flags: number): Result;
  /** read(2) */
  read(fd: Fd, into: Uint8Array): Result;
  /** write(2) */
  write(fd: Fd, data: Uint8Array): Result;
  /** ioctl(2) with an argument in memory, a number, or none. */
  ioctl(fd: Fd, request: number, argument: Bytes | number): Result;
  /** mkdirat(2) */
  mkdirat(dirfd: Fd, path: Path, mode: number): Result;
  /** mknod(2); `device` as made by structs.ts `makeDevice`. */
  mknodat(dirfd: Fd, path: Path, mode: number, device: number): Result;
  /** symlink(2) */
  symlinkat(target: Path, dirfd: Fd, path: Path): Result;
  /** link(2) */
  linkat(oldFd: Fd, oldPath: Path, newFd: Fd, newPath: Path, flags: number): Result;
  /** rename(2) */
  renameat2(oldFd: Fd, oldPath: Path, newFd: Fd, newPath: Path, flags: number): Result;
  /** utimensat(2): `times` is access and modification, each 64-bit seconds and nanoseconds. */
  utimensat(dirfd: Fd, path: Path | null, times: Uint8Array, flags: number): Result;
  /** flock(2) */
  flock(fd: Fd, operation: number): Result;
  /** unlink(2) */
  unlinkat(dirfd: Fd, path: Path, flags: number): Result;
  /** setxattr(2), of the link itself where `path` is one. */
  lsetxattr(path: Path, name: string, value: Uint8Array, flags: number): Result;
  /** getxattr(2): the value's length; only that is told where `into` is empty. */
  lgetxattr(path: Path, name: string, into: Uint8Array): Result;
  /** listxattr(2): names that end in NUL; only their length is told where `into` is empty. */
  llistxattr(path: Path, into: Uint8Array): Result;
  /** removexattr(2) */
  lremovexattr(path: Path, name: string): Result;
  /** chown(2) */
  fchownat(dirfd: Fd, path: Path, uid: number, gid: number, flags: number): Result;
  /** chmod(2) */
  fchmodat(dirfd: Fd, path: Path, mode: number): Result;
  /** socket(2) */
  socket(domain: number, type: number, protocol: number): Result;
  /** socketpair(2): `pair` receives two 32-bit descriptors. */
  socketpair(domain: number, type: number, protocol: number, pair: Uint8Array): Result;
  /** mmap(2) of anonymous memory: the result is the address. */
  mmap(length: number, protection: number, flags: number): Result;
  /** mprotect(2) */
  mprotect(address: number, length: number, protection: number): Result;
  /** munmap(2) */
  munmap(address: number, length: number): Result;
  /** clock_gettime(2): `into` receives seconds and nanoseconds, 64 bits each. */
  clockGettime(clock: number, into: Uint8Array): Result;
  /** nanosleep(2): seconds and nanoseconds, 64 bits each. */
  nanosleep(duration: Uint8Array): Result;
  /** clone3(2) with a `struct clone_args`, see structs.ts. */
  clone3(args: Uint8Array): Result;
  /** connect(2) with a `struct sockaddr`, see sockets.ts. */
  connect(fd: Fd, address: Uint8Array): Result;
  /** sendmsg(2) with a `struct msghdr`, see sockets.ts. */
  sendmsg(fd: Fd, message: Linked, flags: number): Result;
  /** seccomp(2): `args` is a `struct sock_fprog`, see structs.ts. */
  seccomp(operation: number, flags: number, args: Linked | Bytes): Result;
  /** bpf(2) with a `union bpf_attr`, see structs.ts and bpf.ts. */
  bpf(command: number, attr: Uint8Array): Result;
}
