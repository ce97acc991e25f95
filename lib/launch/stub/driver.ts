/**
 * The TypeScript side of driver.c, for tests: finds the GNU tools of an architecture, builds
 * the driver for it, lays out a list of system calls as the stub's records, runs it, natively
 * or under qemu-user, and reads the results back.
 *
 * Manual pages: as(1), objcopy(1), qemu-aarch64(1), clone3(2).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findCommand } from '../../observe/command.ts';
import * as stub from './stub.ts';

export type Arch = keyof typeof stub.STUB;

/** driver.c maps the arena at this address. */
const ARENA_ADDRESS = 0x1000000000n;
const ARENA_SIZE = 16384;
const CLONE_ARGS_SIZE = 88;
const DATA_OFFSET = 4096;
/** 4096 bytes of the arena for what calls read and write. */
export const BUFFER = ARENA_ADDRESS + 8192n;

/** Numbers of <asm/unistd.h>, x86-64 and arm64. */
const NUMBERS = {
  chdir: { x64: 80, arm64: 49 },
  clone: { x64: 56, arm64: 220 },
  dup3: { x64: 292, arm64: 24 },
  exit_group: { x64: 231, arm64: 94 },
  getpid: { x64: 39, arm64: 172 },
  lseek: { x64: 8, arm64: 62 },
  mmap: { x64: 9, arm64: 222 },
  openat: { x64: 257, arm64: 56 },
  read: { x64: 0, arm64: 63 },
  write: { x64: 1, arm64: 64 },
};

/** The stub's instruction that names clone3, and the same with clone's number. */
const CLONE3_INSTRUCTION = {
  x64: { clone3: 'b8b3010000', clone: 'b838000000' },
  arm64: { clone3: '683680d2', clone: '881b80d2' },
};
const ENOSYS = 38;

/** A text stands for its address; `resultOf` for a line's result, `load` for a value in memory. */
export type Argument = number | bigint | string | { resultOf: number } | { load: number | bigint };
export type Line = [call: keyof typeof NUMBERS, args: Argument[], flags?: number];
export type CloneArgs = { flags?: bigint; exitSignal?: bigint; stack?: bigint; stackSize?: bigint };

export interface Outcome {
  /** The exit status of the process that launch cloned. */
  status: number | null;
  stdout: string;
  /** What `launch` returned. */
  launch: number;
  /** The call that cloned: clone where clone3 is ENOSYS, as it is under qemu-user. */
  clonedBy: 'clone3' | 'clone';
  results: bigint[];
}

export interface Driver {
  arch: Arch;
  program: string[];
  directory: string;
}

/** The command for `arch` of a GNU tool: cross tools carry the target's triplet. */
export function findTool(arch: Arch, tool: string): string | null {
  const triplet = arch === 'x64' ? 'x86_64-linux-gnu' : 'aarch64-linux-gnu';
  return findCommand(`${triplet}-${tool}`) ?? (arch === process.arch ? findCommand(tool) : null);
}

export function findEmulator(arch: Arch): string | null {
  const name = arch === 'x64' ? 'qemu-x86_64' : 'qemu-aarch64';
  return findCommand(name) ?? findCommand(`${name}-static`);
}

/** The bytes of .text that the source of `arch` assembles to; `directory` is for the files. */
export function assemble(arch: Arch, directory: string): Buffer {
  const source = join(import.meta.dirname, arch === 'x64' ? 'x86-64.s' : 'arm64.s');
  const object = join(directory, `${arch}.o`);
  const binary = join(directory, `${arch}.bin`);
  execFileSync(findTool(arch, 'as') ?? 'as', ['-o', object, source]);
  const extract = ['-O', 'binary', '-j', '.text', object, binary];
  execFileSync(findTool(arch, 'objcopy') ?? 'objcopy', extract);
  return readFileSync(binary);
}

/** Compiles driver.c into `directory`; statically where another architecture is emulated. */
export function buildDriver(arch: Arch, directory: string): Driver {
  const native = arch === process.arch;
  const program = join(directory, `driver-${arch}`);
  const source = join(import.meta.dirname, 'driver.c');
  const flags = ['-O2', '-Wall', '-Werror', ...(native ? [] : ['-static'])];
  execFileSync(findTool(arch, 'gcc') ?? 'gcc', [...flags, '-o', program, source]);
  const run = native ? [program] : [findEmulator(arch) ?? '', program];
  return { arch, program: run, directory };
}

/**
 * Runs the list in a process cloned as `cloneArgs` says, and returns when every process of it
 * has ended: standard output is a pipe, and spawnSync reads it to its end.
 */
export function runList(driver: Driver, lines: Line[], cloneArgs: CloneArgs = {}): Outcome {
  const outcome = runOnce(driver, 'clone3', lines, cloneArgs);
  return outcome.launch === -ENOSYS ? runOnce(driver, 'clone', lines, cloneArgs) : outcome;
}

function runOnce(
  driver: Driver,
  clonedBy: 'clone3' | 'clone',
  lines: Line[],
  cloneArgs: CloneArgs,
): Outcome {
  const arena = join(driver.directory, 'arena');
  const code = join(driver.directory, 'stub');
  writeFileSync(arena, layOut(driver.arch, lines, cloneArgs));
  writeFileSync(code, stubCloningBy(clonedBy, driver.arch));
  const [command = '', ...rest] = driver.program;
  const ran = spawnSync(command, [...rest, clonedBy, arena, code], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (ran.error) throw ran.error;
  const launch = /^launch (-?\d+)$/m.exec(ran.stderr)?.[1];
  if (launch === undefined) throw new Error(`driver exited with ${ran.status}: ${ran.stderr}`);
  const after = readFileSync(arena);
  return {
    status: ran.status,
    stdout: ran.stdout,
    launch: Number(launch),
    clonedBy,
    results: lines.map((_, index) => after.readBigInt64LE(resultOffset(index))),
  };
}

function stubCloningBy(call: 'clone3' | 'clone', arch: Arch): Buffer {
  const hex = Buffer.from(stub.STUB[arch]).toString('hex');
  const parts = hex.split(CLONE3_INSTRUCTION[arch].clone3);
  if (parts.length !== 2) throw new Error(`the stub for ${arch} does not name clone3 once`);
  return Buffer.from(parts.join(CLONE3_INSTRUCTION[arch][call]), 'hex');
}

function layOut(arch: Arch, lines: Line[], cloneArgs: CloneArgs): Buffer {
  const arena = Buffer.alloc(ARENA_SIZE);
  arena.writeBigUInt64LE(cloneArgs.flags ?? 0n, 0);
  arena.writeBigUInt64LE(cloneArgs.exitSignal ?? 17n, 32); // SIGCHLD
  arena.writeBigUInt64LE(cloneArgs.stack ?? 0n, 40);
  arena.writeBigUInt64LE(cloneArgs.stackSize ?? 0n, 48);

  let free = DATA_OFFSET;
  const place = (bytes: Buffer): bigint => {
    const offset = free;
    bytes.copy(arena, offset);
    free += (bytes.length + 7) & ~7;
    return ARENA_ADDRESS + BigInt(offset);
  };

  lines.forEach(([call, args, flags = 0], index) => {
    const record = recordOffset(index);
    arena.writeBigInt64LE(BigInt(NUMBERS[call][arch]), record + stub.NR_OFFSET);
    arena.writeBigInt64LE(stub.UNTOUCHED, record + stub.RESULT_OFFSET);
    args.forEach((argument, position) => {
      let value: bigint;
      if (typeof argument === 'string') value = place(Buffer.from(`${argument}\0`));
      else if (typeof argument !== 'object') value = BigInt(argument);
      else {
        flags |= stub.flagOfAddress(position);
        value =
          'load' in argument
            ? place(word(BigInt(argument.load)))
            : ARENA_ADDRESS + BigInt(resultOffset(argument.resultOf));
      }
      word(value).copy(arena, record + stub.ARGS_OFFSET + 8 * position);
    });
    arena.writeBigUInt64LE(BigInt(flags), record + stub.FLAGS_OFFSET);
  });
  arena.writeBigInt64LE(stub.END, recordOffset(lines.length) + stub.NR_OFFSET);
  return arena;
}

function word(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt.asIntN(64, value));
  return bytes;
}

function recordOffset(index: number): number {
  return CLONE_ARGS_SIZE + stub.RECORD_SIZE * index;
}

function resultOffset(index: number): number {
  return recordOffset(index) + stub.RESULT_OFFSET;
}
