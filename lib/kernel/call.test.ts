import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { kernel } from './call.ts';
import { AT_FDCWD, MS_BIND, O_CLOEXEC, O_DIRECTORY, RLIMIT_NOFILE } from './constants.ts';
import { errnoName, formatErrno } from './errno.ts';
import { openPipe, openSocketPair } from './pairs.ts';
import { encodeCloneArgs, encodeRlimit, encodeWinsize, makeDevice } from './structs.ts';
import { SyscallError } from './syscall-error.ts';

const caught = (body: () => unknown): unknown => {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('a direct call', () => {
  itNeeds(['linux'], 'returns what the kernel returns', () => {
    expect(kernel.getpid()).toBe(process.pid);
    expect(kernel.getppid()).toBe(process.ppid);
  });

  itNeeds(['linux'], 'hands descriptors to the rest of Node', () => {
    const fd = kernel.openat(AT_FDCWD, '/proc', O_DIRECTORY | O_CLOEXEC);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toBe('/proc');
    closeSync(fd);
  });

  itNeeds(['linux'], 'brings back the bytes that the kernel wrote', () => {
    const fd = kernel.openat(AT_FDCWD, '/proc/self/comm', O_CLOEXEC);
    const into = new Uint8Array(64);
    const length = kernel.read(fd, into);
    closeSync(fd);
    const text = Buffer.from(into.subarray(0, length)).toString();
    expect(text).toBe(readFileSync('/proc/self/comm', 'utf8'));
  });

  itNeeds(['linux'], 'throws the call, its arguments and the error by name', () => {
    const error = caught(() => kernel.openat(AT_FDCWD, '/nowhere', O_CLOEXEC));
    expect(error).toBeInstanceOf(SyscallError);
    expect(error).toMatchObject({ syscall: 'openat', errno: 2, code: 'ENOENT' });
    expect((error as Error).message).toBe(
      'openat(AT_FDCWD, "/nowhere", O_CLOEXEC, 00): ENOENT (No such file or directory)',
    );
  });

  itNeeds(['linux'], 'refuses a text with a NUL byte instead of cutting it off', () => {
    expect(() => kernel.chdir('/tmp\0/x')).toThrow(RangeError);
  });
});

describe('a hint', () => {
  itNeeds(['linux'], 'follows where the pair of call and error usually means something', () => {
    const error = new SyscallError('mount', ['/a', '/b', null, MS_BIND, null], 22);
    expect(error.hint).toMatch(/mount point/);
    expect(error.message.split('\n')).toHaveLength(2);
    expect(error.message).toContain(`\nhint: ${error.hint}`);
  });

  itNeeds(['linux'], 'depends on the arguments', () => {
    const bind = new SyscallError('mount', ['/a', '/b', null, MS_BIND, null], 22);
    const propagation = new SyscallError('mount', [null, '/b', null, 0x40000, null], 22);
    expect(propagation.hint).toMatch(/propagation/);
    expect(propagation.hint).not.toBe(bind.hint);
  });

  itNeeds(['linux'], 'tells what bounds a limit that an engine asks for', () => {
    const limit = encodeRlimit({ soft: 1n << 40n, hard: 1n << 40n });
    const raise = () => kernel.prlimit64(0, RLIMIT_NOFILE, limit);
    expect(raise).toThrow(/EPERM.*\nhint: .*CAP_SYS_RESOURCE.*nr_open/s);
  });

  itNeeds(['linux'], 'is found for a number that has two names', () => {
    const error = new SyscallError('clone3', [], 11);
    expect(error.code).toBe('EAGAIN');
    expect(error.hint).toMatch(/pids cgroup/);
  });

  itNeeds(['linux'], 'is left out where the error says it all', () => {
    const error = new SyscallError('close', [77], 9);
    expect(error.hint).toBeUndefined();
    expect(error.message).toBe('close(77): EBADF (Bad file descriptor)');
  });
});

describe('error numbers', () => {
  itNeeds(['linux'], 'have a name and the C library’s text', () => {
    expect(formatErrno(1)).toBe('EPERM (Operation not permitted)');
    expect(errnoName(126)).toBe('ENOKEY');
    expect(errnoName(4000)).toBe('errno 4000');
  });
});

describe('pairs', () => {
  itNeeds(['linux'], 'are close-on-exec: a program that we start has none of them', () => {
    const descriptors = [...openPipe(), ...openSocketPair()];
    for (const fd of descriptors) {
      const flags = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^flags:\s*(\d+)/m)?.[1];
      expect(Number.parseInt(flags ?? '0', 8) & O_CLOEXEC).toBe(O_CLOEXEC);
    }
    for (const fd of descriptors) closeSync(fd);
  });

  itNeeds(['linux'], 'carry bytes from the writing end to the reading end', () => {
    const [from, to] = openPipe();
    writeSync(to, 'through');
    const into = new Uint8Array(16);
    expect(kernel.read(from, into)).toBe(7);
    expect(Buffer.from(into.subarray(0, 7)).toString()).toBe('through');
    closeSync(from);
    closeSync(to);
  });
});

describe('structures', () => {
  it('have the sizes and places of the kernel’s headers', () => {
    const args = Buffer.from(encodeCloneArgs({ flags: 0x80000000, exitSignal: 17, cgroup: 5 }));
    expect(args).toHaveLength(88);
    expect(args.readBigUInt64LE(0)).toBe(0x80000000n);
    expect(args.readBigUInt64LE(32)).toBe(17n);
    expect(args.readBigUInt64LE(80)).toBe(5n);
    expect([...encodeWinsize({ rows: 24, columns: 300 })]).toEqual([24, 0, 44, 1, 0, 0, 0, 0]);
  });

  itNeeds(['linux', 'stat'], 'encode a device number as stat(1) shows it', () => {
    const [major, minor] = execFileSync('stat', ['-c', '%Hr %Lr', '/dev/null'], {
      encoding: 'utf8',
    })
      .split(' ')
      .map(Number);
    const raw = Number(execFileSync('stat', ['-c', '%r', '/dev/null'], { encoding: 'utf8' }));
    expect(makeDevice(major ?? 0, minor ?? 0)).toBe(raw);
    expect(makeDevice(8, 300)).toBe(0x10082c);
  });
});
