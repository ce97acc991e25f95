/**
 * From the arguments of a Syscalls function to the words that the kernel takes: fills in the
 * lengths and pointers that C callers write by hand. `spread` is pure; where the memory lies is
 * decided by whoever makes or assembles the call (call.ts, lib/launch/assemble.ts).
 */
import { KEYCTL_SETPERM } from './constants.ts';
import type { CallName } from './signatures.ts';
import type { Syscalls } from './syscalls.ts';

export type CallArguments<Name extends CallName, Fd = number> = Parameters<
  Syscalls<Fd, unknown>[Name]
>;

/** One C argument before it is encoded; a launch program adds references to results to it. */
export type Argument = number | string | null | readonly string[] | Uint8Array | Linked;

/** A structure with pointers in it: at each place, the address of what lies there. */
export interface Linked {
  readonly bytes: Uint8Array;
  /** `at` is an offset in `bytes`, of eight bytes that are filled in. */
  readonly links: readonly { at: number; to: Uint8Array | Linked }[];
}

export const isLinked = (argument: unknown): argument is Linked =>
  typeof argument === 'object' && argument !== null && 'links' in argument;

const int32s = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);

/** A kernel sigset_t: 64 bits, signal n at bit n-1. */
function sigset(signals: readonly number[]): Uint8Array {
  const set = signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
  return new Uint8Array(BigUint64Array.of(set).buffer);
}

/** A kernel struct sigaction that only sets the disposition: handler, flags, restorer, mask. */
const sigaction = (action: 'SIG_DFL' | 'SIG_IGN') =>
  new Uint8Array(BigUint64Array.of(action === 'SIG_IGN' ? 1n : 0n, 0n, 0n, 0n).buffer);

const environ = (env: Readonly<Record<string, string>>) =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`);

// Only the calls whose C arguments are not literally the TypeScript ones.
const spreaders: { [Name in CallName]?: (...given: CallArguments<Name>) => Argument[] } = {
  mount: (source, target, fstype, flags, data = null) => [source, target, fstype, flags, data],
  mountSetattr: (fd, path, flags, attr) => [fd, path, flags, attr, attr.length],
  execve: (path, argv, env) => [path, argv, environ(env)],
  pidfdSendSignal: (pidfd, signal) => [pidfd, signal, null, 0],
  waitid: (idType, id, info, options) => [idType, id, info, options, null],
  sethostname: (name) => [name, Buffer.byteLength(name)],
  setdomainname: (name) => [name, Buffer.byteLength(name)],
  prlimit64: (pid, resource, limit) => [pid, resource, limit, null],
  schedSetaffinity: (pid, mask) => [pid, mask.length, mask],
  setgroups: (gids) => [gids.length, gids.length > 0 ? int32s(gids) : null],
  prctl: (option, arg2, arg3 = 0, arg4 = 0, arg5 = 0) => [option, arg2, arg3, arg4, arg5],
  keyctlSetperm: (key, permissions) => [KEYCTL_SETPERM, key, permissions],
  rtSigaction: (signal, action) => [signal, sigaction(action), null, 8],
  rtSigprocmask: (how, signals) => [how, sigset(signals), null, 8],
  openat: (fd, path, flags, mode = 0) => [fd, path, flags, mode],
  openat2: (fd, path, how) => [fd, path, how, how.length],
  read: (fd, into) => [fd, into, into.length],
  write: (fd, data) => [fd, data, data.length],
  lsetxattr: (path, name, value, flags) => [path, name, value, value.length, flags],
  lgetxattr: (path, name, into) => [path, name, into, into.length],
  llistxattr: (path, into) => [path, into, into.length],
  mmap: (length, protection, flags) => [0, length, protection, flags, -1, 0],
  nanosleep: (duration) => [duration, null],
  clone3: (args) => [args, args.length],
  bpf: (command, attr) => [command, attr, attr.length],
  connect: (fd, address) => [fd, address, address.length],
};

/** The C arguments of `name` called with `given`. */
export function spread(name: CallName, given: readonly unknown[]): Argument[] {
  const spreader = spreaders[name] as ((...given: readonly unknown[]) => Argument[]) | undefined;
  return spreader ? spreader(...given) : (given as Argument[]);
}
