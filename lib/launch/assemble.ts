/**
 * Records into bytes: what the stub walks. A descriptor that an earlier line returned becomes the
 * address of that line's result, which the stub reads when it gets there.
 */

import type { Argument } from '../kernel/arguments.ts';
import { CLONE_INTO_CGROUP, CLONE_PARENT_SETTID } from '../kernel/constants.ts';
import { architecture } from '../kernel/libc.ts';
import { placeArgument, putWord, reserve } from '../kernel/memory.ts';
import { signatures } from '../kernel/signatures.ts';
import { encodeCloneArgs } from '../kernel/structs.ts';
import type { Arena } from './arena.ts';
import { isResult, type Line } from './program.ts';
import type { Record } from './records.ts';
import * as stub from './stub/stub.ts';

export interface Assembled {
  records: readonly Record[];
  /** Address of the first record. */
  first: number;
  /** What record `index` returned: stub.UNTOUCHED, stub.RUNNING, or the kernel's result. */
  resultOf(index: number): number;
  /** The pid that fork record `index` made, 0 before it has. */
  forkedPid(index: number): number;
  /** The bytes of argument `position` of record `index`, as the kernel left them. */
  bytesOf(index: number, position: number): Buffer;
}

/** A descriptor that no process has: what a result is when its line was left out. */
const NO_DESCRIPTOR = -1;

const isSameList = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((text, i) => text === other[i]);

/** Lays `records` out in `arena`. Throws RangeError when they do not fit. */
export function assemble(records: readonly Record[], arena: Arena): Assembled {
  const base = reserve(arena, stub.RECORD_SIZE * (records.length + 1));
  const offsetOf = (index: number) => base + stub.RECORD_SIZE * index;
  const indexOf = new Map<Line | null, number>(records.map(({ line }, index) => [line, index]));
  const words: number[][] = [];
  // A program is looked for in many places with the same arguments and environment.
  const lists: { list: readonly string[]; address: number }[] = [];
  const place = (argument: Argument): number => {
    if (!Array.isArray(argument)) return placeArgument(arena, argument);
    const known = lists.find(({ list }) => isSameList(list, argument));
    if (known) return known.address;
    const address = placeArgument(arena, argument);
    lists.push({ list: argument, address });
    return address;
  };

  records.forEach((record, index) => {
    const offset = offsetOf(index);
    let flags = record.flags;
    const args = 'forkFlags' in record.what ? forkArguments(record.what) : record.what.args;
    const placed = args.map((argument, position) => {
      if (!isResult(argument)) return place(argument);
      const source = indexOf.get(argument.of);
      if (source === undefined) return NO_DESCRIPTOR;
      flags |= stub.flagOfAddress(position);
      return arena.address + offsetOf(source) + stub.RESULT_OFFSET;
    });
    words.push(placed);
    const name = 'forkFlags' in record.what ? 'clone3' : record.what.call;
    putWord(arena, offset, signatures[name][architecture()]);
    for (let i = 0; i < 6; i++) putWord(arena, offset + stub.ARGS_OFFSET + 8 * i, placed[i] ?? 0);
    putWord(arena, offset + stub.FLAGS_OFFSET, flags);
    putWord(arena, offset + stub.RESULT_OFFSET, Number(stub.UNTOUCHED));
  });
  putWord(arena, offsetOf(records.length), Number(stub.END));

  function forkArguments({
    forkFlags,
    cgroup,
  }: {
    forkFlags: number;
    cgroup?: number | undefined;
  }) {
    const tid = reserve(arena, 8);
    putWord(arena, tid, 0);
    const parentTid = arena.address + tid;
    const into = cgroup === undefined ? 0 : CLONE_INTO_CGROUP;
    const flags = ((forkFlags | CLONE_PARENT_SETTID) >>> 0) + into;
    const args = encodeCloneArgs({ flags, parentTid, cgroup: cgroup ?? 0 });
    return [args, args.length, parentTid];
  }

  const at = (index: number, position: number) => (words[index]?.[position] ?? 0) - arena.address;
  return {
    records,
    first: arena.address + base,
    resultOf: (index) => Number(arena.bytes.readBigInt64LE(offsetOf(index) + stub.RESULT_OFFSET)),
    forkedPid: (index) => arena.bytes.readInt32LE(at(index, 2)),
    bytesOf: (index, position) => {
      const what = records[index]?.what;
      const argument = what && 'args' in what ? what.args[position] : undefined;
      const length = argument instanceof Uint8Array ? argument.length : 0;
      return arena.bytes.subarray(at(index, position), at(index, position) + length);
    },
  };
}
