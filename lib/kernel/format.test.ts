import { describe, expect, it } from 'vitest';
import { spread } from './arguments.ts';
import {
  AT_FDCWD,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  MNT_DETACH,
  MS_PRIVATE,
  MS_REC,
  O_CLOEXEC,
  O_CREAT,
  O_WRONLY,
  SIGKILL,
} from './constants.ts';
import { flagSets, formatFlags } from './flags.ts';
import { formatCall } from './format.ts';

describe('flags in print', () => {
  it('are or-ed names, lowest bit first', () => {
    expect(formatFlags(flagSets.mount, MS_PRIVATE | MS_REC)).toBe('MS_REC|MS_PRIVATE');
  });

  it('keep bits that have no name', () => {
    expect(formatFlags(flagSets.umount, MNT_DETACH | 0x1000)).toBe('MNT_DETACH|0x1000');
  });

  it('say what zero means where it has a name', () => {
    expect(formatFlags(flagSets.open, 0)).toBe('O_RDONLY');
    expect(formatFlags(flagSets.mount, 0)).toBe('0');
  });

  it('know values above the sign bit of an int', () => {
    expect(formatFlags(flagSets.clone, 0x80000000 | CLONE_NEWUSER)).toBe(
      'CLONE_NEWUSER|0x80000000',
    );
  });

  it('give one value of an enumeration one name, and others as numbers', () => {
    expect(formatFlags(flagSets.signal, SIGKILL)).toBe('SIGKILL');
    expect(formatFlags(flagSets.signal, 64)).toBe('64');
  });
});

describe('a call in print', () => {
  it('is the C call: texts quoted, NULL, flags by name', () => {
    const args = spread('mount', ['proc', '/proc', 'proc', 0]);
    expect(formatCall('mount', args)).toBe('mount("proc", "/proc", "proc", 0, NULL)');
  });

  it('writes AT_FDCWD, open flags and an octal mode', () => {
    const args = spread('openat', [AT_FDCWD, '/a b', O_CREAT | O_WRONLY | O_CLOEXEC, 0o644]);
    expect(formatCall('openat', args)).toBe(
      'openat(AT_FDCWD, "/a b", O_WRONLY|O_CREAT|O_CLOEXEC, 0644)',
    );
  });

  it('shows argv and envp as arrays', () => {
    const args = spread('execve', ['/bin/sh', ['sh', '-c', 'echo "x"'], { A: '1', B: '' }]);
    expect(formatCall('execve', args)).toBe(
      'execve("/bin/sh", ["sh", "-c", "echo \\"x\\""], ["A=1", "B="])',
    );
  });

  it('shows memory by its length, and a short text in it as text', () => {
    const write = (data: Uint8Array) => formatCall('write', spread('write', [3, data]));
    expect(write(Buffer.from('0\n'))).toBe('write(3, "0\\n", 2)');
    expect(write(Buffer.from([0, 1, 2]))).toBe('write(3, {3 bytes}, 3)');
    expect(write(Buffer.alloc(33, 'x'))).toBe('write(3, {33 bytes}, 33)');
  });

  it('shows a reference in place of a descriptor', () => {
    expect(formatCall('setns', [{ text: '$2' }, CLONE_NEWNS])).toBe('setns($2, CLONE_NEWNS)');
  });
});

describe('arguments', () => {
  it('get the lengths that C callers write: in bytes, not characters', () => {
    expect(spread('sethostname', ['höst'])).toEqual(['höst', 5]);
  });

  it('make a kernel sigset_t of signal numbers', () => {
    const [, set] = spread('rtSigprocmask', [2, [1, 15]]);
    expect(Buffer.from(set as Uint8Array).readBigUInt64LE()).toBe((1n << 0n) | (1n << 14n));
  });
});
