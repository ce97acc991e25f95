/**
 * The one door to the C library. Everything goes through syscall(2) and a function pointer, so
 * koffi is needed for three symbols only, and is loaded at the first call: importing this module
 * works on any system. No other file imports koffi, and none but this one knows whether Node runs
 * it or Bun, whose own interface does the same in a standalone executable.
 * syscall(2), strerror(3)
 */
import { createRequire } from 'node:module';
import { KernelUnavailable } from './kernel-unavailable.ts';

type Word = number | bigint;
type RawCall = (nr: Word, ...args: Word[]) => number;

interface Libc {
  syscall: RawCall;
  strerror(errno: number): string;
  errno(): number;
  view(address: number, length: number): ArrayBuffer;
  launch(entry: number, args: Word, size: Word, first: Word): number;
}

export type Architecture = 'x64' | 'arm64';

/** The architecture whose system call numbers and stub apply. Throws KernelUnavailable elsewhere. */
export function architecture(): Architecture {
  const { platform, arch } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    throw new KernelUnavailable(platform, arch);
  }
  return arch;
}

let bound: Libc | undefined;

function libc(): Libc {
  if (bound) return bound;
  architecture();
  bound = 'bun' in process.versions ? bindByBun() : bindByKoffi();
  return bound;
}

const require = createRequire(import.meta.url);

function bindByKoffi(): Libc {
  const koffi = require('koffi') as typeof import('koffi');
  const library = koffi.load(null);
  const word = 'intptr_t';
  const launch = koffi.proto('long unboxed_launch(intptr_t args, intptr_t size, intptr_t first)');
  return {
    syscall: library.func('syscall', 'long', Array(7).fill(word)) as unknown as RawCall,
    strerror: library.func('strerror', 'str', ['int']) as unknown as (errno: number) => string,
    errno: () => koffi.errno(),
    view: (address, length) => koffi.view(BigInt(address), length),
    launch: (entry, ...args) => koffi.call(BigInt(entry), launch, ...args),
  };
}

/** The parts of Bun's own foreign function interface that are used here. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, (...args: Word[]) => number> };
  CFunction(about: { ptr: number; args: readonly string[]; returns: string }): RawCall;
  CString: new (address: number) => { toString(): string };
  read: { i32(address: number): number };
  toArrayBuffer(address: number, offset: number, length: number): ArrayBuffer;
}

/** In the standalone executable: nothing is to be unpacked and loaded then, as koffi would be. */
function bindByBun(): Libc {
  const ffi = require('bun:ffi') as BunFfi;
  const word = 'i64_fast';
  const { symbols } = ffi.dlopen('libc.so.6', {
    syscall: { args: Array(7).fill(word), returns: word },
    strerror: { args: ['i32'], returns: 'ptr' },
    __errno_location: { args: [], returns: 'ptr' },
  });
  const { syscall, strerror, __errno_location: errnoLocation } = symbols;
  if (!syscall || !strerror || !errnoLocation) throw new Error('libc.so.6 lacks syscall');
  const entries = new Map<number, RawCall>();
  const launcherAt = (ptr: number) => {
    const known =
      entries.get(ptr) ?? ffi.CFunction({ ptr, args: [word, word, word], returns: word });
    entries.set(ptr, known);
    return known;
  };
  const errno = errnoLocation();
  return {
    syscall: (nr, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0) => syscall(nr, a, b, c, d, e, f),
    strerror: (code) => new ffi.CString(strerror(code)).toString(),
    errno: () => ffi.read.i32(errno),
    view: (address, length) => ffi.toArrayBuffer(address, 0, length),
    launch: (entry, args, size, first) => launcherAt(entry)(args, size, first),
  };
}

/**
 * One system call by number. Returns what the kernel returned: zero or more on success, the
 * negative errno on failure. Six arguments at most; the missing ones are zero.
 */
export function rawSyscall(nr: number, args: readonly Word[]): number {
  const { syscall, errno } = libc();
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args;
  const result = syscall(nr, a, b, c, d, e, f);
  return result === -1 ? -errno() : result;
}

/** The C library's text for an error number, for instance "Operation not permitted". */
export function strerror(errno: number): string {
  return libc().strerror(errno);
}

/** The memory at `address` as an ArrayBuffer of `length` bytes; the caller keeps it mapped. */
export function viewMemory(address: number, length: number): ArrayBuffer {
  return libc().view(address, length);
}

/** Calls machine code at `entry` with the three arguments of a launch stub. */
export function callStub(entry: number, args: Word, size: Word, first: Word): number {
  return libc().launch(entry, args, size, first);
}
