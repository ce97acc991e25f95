/**
 * What each line of a program returned, and how long it took, read from the records after the
 * child has left them.
 */
import type { Assembled } from './assemble.ts';
import type { Line, Program } from './program.ts';
import { RUNNING, UNTOUCHED } from './stub/stub.ts';

export interface LineResult {
  line: Line;
  /**
   * The kernel's result, a negative errno, or null: not reached, or never returned (execve). Of a
   * gate: 1 when it was opened.
   */
  result: number | null;
  reached: boolean;
  /** Microseconds, where the launch was timed and the call returned. */
  microseconds: number | null;
}

/** One entry for each of `program.lines`, in their order. */
export function measureLines(assembled: Assembled, program: Program): LineResult[] {
  const { records, resultOf } = assembled;
  return program.lines.map((line, position) => {
    // A gate is a record that tells the host, and one after it that waits for its byte.
    const index =
      line.kind === 'gate'
        ? records.findIndex((record) => record.pauseAt === position) + 1 || -1
        : records.findIndex((record) => record.line === line);
    const result = index < 0 ? Number(UNTOUCHED) : resultOf(index);
    const reached = result !== Number(UNTOUCHED);
    const returned = reached && result !== Number(RUNNING);
    return {
      line,
      result: returned ? result : null,
      reached,
      microseconds: returned ? elapsed(assembled, index) : null,
    };
  });
}

/** Between the clock readings before and after record `index`, in microseconds. */
function elapsed({ records, resultOf, bytesOf }: Assembled, index: number): number | null {
  const isClock = (i: number) => {
    const what = records[i]?.what;
    return (
      what !== undefined && 'call' in what && what.call === 'clockGettime' && !records[i]?.line
    );
  };
  const after = isClock(index + 1) ? index + 1 : -1;
  const before = isClock(index - 1) ? index - 1 : -1;
  if (before < 0 || after < 0 || resultOf(after) !== 0) return null;
  const nanoseconds = (i: number) => {
    const bytes = bytesOf(i, 1);
    return bytes.readBigInt64LE(0) * 1_000_000_000n + bytes.readBigInt64LE(8);
  };
  return Number(nanoseconds(after) - nanoseconds(before)) / 1000;
}
