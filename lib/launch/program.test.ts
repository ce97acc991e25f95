import { describe, expect, it } from 'vitest';
import {
  AT_FDCWD,
  CLONE_NEWPID,
  CLONE_PARENT,
  F_SETFD,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLONE,
  TIOCSCTTY,
} from '../kernel/constants.ts';
import { signatures } from '../kernel/signatures.ts';
import { assemble } from './assemble.ts';
import { launch, type Program } from './program.ts';
import { listRecords, type Record, type Surroundings } from './records.ts';
import * as stub from './stub/stub.ts';

const simple: Surroundings = { streams: [0, 1, 2], tether: false, stepped: false, timed: false };

const nameOf = ({ what }: Record) => ('call' in what ? what.call : 'clone3');
const names = (program: Program, around: Surroundings) => listRecords(program, around).map(nameOf);

describe('a program', () => {
  it('is the list of calls in the order of writing; nothing is called', () => {
    const program = launch({ namespaces: ['mount'] }, (call) => {
      call.mount(null, '/', null, MS_REC | MS_PRIVATE);
      call.gate('network');
      call.fork(CLONE_NEWPID);
      call.attempt.chdir('/nowhere');
      call.execve('/bin/sh', ['sh'], { A: 'b' });
    });
    expect(program.namespaces).toEqual(['mount']);
    expect(program.lines).toEqual([
      {
        kind: 'call',
        call: 'mount',
        args: [null, '/', null, MS_REC | MS_PRIVATE, null],
        mayFail: false,
      },
      { kind: 'gate', name: 'network' },
      { kind: 'fork', flags: CLONE_NEWPID },
      { kind: 'call', call: 'chdir', args: ['/nowhere'], mayFail: true },
      { kind: 'call', call: 'execve', args: ['/bin/sh', ['sh'], ['A=b']], mayFail: false },
    ]);
  });

  it('names an earlier line where its result is an argument', () => {
    const program = launch({}, (call) => {
      const tree = call.openTree(AT_FDCWD, '/a', OPEN_TREE_CLONE);
      call.moveMount(tree, '', AT_FDCWD, '/b', MOVE_MOUNT_F_EMPTY_PATH);
    });
    const [open, move] = program.lines;
    expect(move?.kind === 'call' && move.args[0]).toEqual({ of: open });
  });
});

describe('records', () => {
  const program = launch({ namespaces: ['pid'] }, (call) => {
    call.chdir('/');
    call.gate('maps');
    call.execve('/bin/true', ['true'], {});
  });

  it('put the streams in place before the first line of the program', () => {
    expect(names(program, { ...simple, streams: [7, 8, 2] })).toEqual(
      // A descriptor that is in its place already has close-on-exec cleared instead.
      ['dup3', 'dup3', 'fcntl', 'chdir', 'execve'],
    );
    const [, , last] = listRecords(program, { ...simple, streams: [7, 8, 2] });
    expect(last?.what).toMatchObject({ args: [2, F_SETFD, 0] });
  });

  it('make a session for a terminal before it becomes the controlling one', () => {
    const records = listRecords(program, { ...simple, streams: { tty: 9 } });
    expect(records.map(nameOf).slice(0, 5)).toEqual(['setsid', 'ioctl', 'dup3', 'dup3', 'dup3']);
    expect(records[1]?.what).toMatchObject({ args: [9, TIOCSCTTY, null] });
  });

  it('close the host’s end of the wire first and wait on the other at a gate', () => {
    const around = { ...simple, tether: true, wire: { theirs: 20, mine: 21 } };
    const records = listRecords(program, around);
    expect(records.map(nameOf)).toEqual([
      'close',
      'prctl',
      'fcntl',
      'fcntl',
      'fcntl',
      'chdir',
      'write',
      'read',
      'execve',
    ]);
    expect(records[0]?.what).toMatchObject({ args: [21] });
    expect(records[6]).toMatchObject({
      pauseAt: 1,
      what: { args: [20, Uint8Array.of(1, 0, 0, 0), 4] },
    });
    expect(records[7]?.flags).toBe(stub.MIN1);
  });

  it('wait before every line when stepped, once at a gate', () => {
    const around = { ...simple, stepped: true, wire: { theirs: 20, mine: 21 } };
    const pauses = listRecords(program, around).flatMap(({ pauseAt }) => pauseAt ?? []);
    expect(pauses).toEqual([0, 1, 2]);
  });

  it('join first and clone then, when started from elsewhere: pid namespaces need it', () => {
    const from = { pidfd: 30, namespaces: ['network', 'pid'] as const };
    const records = listRecords(program, { ...simple, tether: true, from });
    expect(records.map(nameOf).slice(0, 3)).toEqual(['setns', 'clone3', 'prctl']);
    const fork = records[1]?.what;
    const flags = fork && 'forkFlags' in fork ? fork.forkFlags : 0;
    expect(flags & CLONE_NEWPID).toBe(CLONE_NEWPID);
    // The new child is ours to wait for, not the joining process's.
    expect(flags & CLONE_PARENT).toBe(CLONE_PARENT);
  });

  it('ask to die with the host again after a fork, which clears that', () => {
    const forking = launch({}, (call) => {
      call.fork(0);
      call.execve('/bin/true', ['true'], {});
    });
    const around = { ...simple, tether: true };
    expect(names(forking, around).filter((name) => name === 'prctl')).toHaveLength(2);
  });

  it('ask for it again after another uid as well, and time the line without that', () => {
    const becoming = launch({}, (call) => {
      call.setuid(1);
      call.chdir('/');
    });
    const around = { ...simple, tether: true, timed: true };
    expect(names(becoming, around).slice(-7)).toEqual([
      'clockGettime',
      'setuid',
      'clockGettime',
      'prctl',
      'clockGettime',
      'chdir',
      'clockGettime',
    ]);
  });

  it('read the clock on both sides of a line when timed', () => {
    const timed = names(
      launch({}, (call) => void call.chdir('/')),
      { ...simple, timed: true },
    );
    expect(timed.slice(-3)).toEqual(['clockGettime', 'chdir', 'clockGettime']);
  });
});

describe('assembling', () => {
  const arenaAt = (address: number) => {
    const view = new ArrayBuffer(16384);
    return { address, bytes: Buffer.from(view), halves: new Uint32Array(view), used: 0 };
  };

  it.runIf(process.platform === 'linux')('lays a call out as the stub reads it', () => {
    const program = launch({}, (call) => void call.attempt.chdir('/tmp'));
    const arena = arenaAt(0x10000);
    const records = listRecords(program, { ...simple, streams: [5, 6, 7] });
    const { first } = assemble(records, arena);
    const at = first - arena.address + 3 * stub.RECORD_SIZE;
    const arch = process.arch as 'x64' | 'arm64';
    expect(arena.bytes.readBigInt64LE(at)).toBe(BigInt(signatures.chdir[arch]));
    const path = Number(arena.bytes.readBigInt64LE(at + stub.ARGS_OFFSET)) - arena.address;
    expect(arena.bytes.toString('latin1', path, path + 5)).toBe('/tmp\0');
    expect(arena.bytes.readBigInt64LE(at + stub.FLAGS_OFFSET)).toBe(BigInt(stub.MAY_FAIL));
    expect(arena.bytes.readBigInt64LE(at + stub.RESULT_OFFSET)).toBe(stub.UNTOUCHED);
    expect(arena.bytes.readBigInt64LE(at + stub.RECORD_SIZE)).toBe(stub.END);
  });

  it.runIf(process.platform === 'linux')('points a result at the record that makes it', () => {
    const program = launch({}, (call) => {
      const fd = call.openat(AT_FDCWD, '/', 0);
      call.fchdir(fd);
    });
    const arena = arenaAt(0x10000);
    const { first } = assemble(listRecords(program, simple), arena);
    const record = (index: number) => first - arena.address + index * stub.RECORD_SIZE;
    const argument = Number(arena.bytes.readBigInt64LE(record(4) + stub.ARGS_OFFSET));
    expect(argument).toBe(arena.address + record(3) + stub.RESULT_OFFSET);
    expect(arena.bytes.readBigInt64LE(record(4) + stub.FLAGS_OFFSET)).toBe(
      BigInt(stub.flagOfAddress(0)),
    );
  });

  it.runIf(process.platform === 'linux')('gives -1 for the result of a line left out', () => {
    const program = launch({}, (call) => {
      const fd = call.openat(AT_FDCWD, '/', 0);
      call.fchdir(fd);
    });
    const arena = arenaAt(0x10000);
    const alone = { ...program, lines: program.lines.slice(1) };
    const { first } = assemble(listRecords(alone, simple), arena);
    const at = first - arena.address + 3 * stub.RECORD_SIZE;
    expect(arena.bytes.readBigInt64LE(at + stub.ARGS_OFFSET)).toBe(-1n);
    expect(arena.bytes.readBigInt64LE(at + stub.FLAGS_OFFSET)).toBe(0n);
  });

  it.runIf(process.platform === 'linux')('says what to shorten when it does not fit', () => {
    const program = launch({}, (call) => void call.chdir('x'.repeat(20000)));
    expect(() => assemble(listRecords(program, simple), arenaAt(0))).toThrow(/shorten/);
  });
});
