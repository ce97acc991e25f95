import { describe, expect, it } from 'vitest';
import type { Assembled } from './assemble.ts';
import { readProgress } from './progress.ts';
import { MAY_FAIL, MIN1, RUNNING, UNTOUCHED } from './stub/stub.ts';

const ENOENT = -2n;
const call = (name: string, flags = 0) => ({ what: { call: name, args: [] }, flags });

/** An arena as the child left it. */
function arena(...lines: [ReturnType<typeof call>, bigint][]): Assembled {
  return {
    records: lines.map(([record]) => record),
    resultOf: (index: number) => Number(lines[index]?.[1] ?? UNTOUCHED),
  } as unknown as Assembled;
}

describe('how far a child has come', () => {
  it.each([
    ['in a call', 'calling', call('mount'), RUNNING],
    ['in execve, or past it', 'executing', call('execve'), RUNNING],
    ['in exit, or past it', 'exiting', call('exit'), RUNNING],
    ['between two calls', 'walking', call('mount'), 0n],
    ['past a call that was allowed to fail', 'walking', call('execve', MAY_FAIL), ENOENT],
    ['at the end, after an error', 'stopped', call('execve'), ENOENT],
    ['at the end, after a read of nothing', 'stopped', call('read', MIN1), 0n],
  ] as const)('is told: %s', (_, progress, record, result) => {
    const untouched = [call('exit'), UNTOUCHED] as [ReturnType<typeof call>, bigint];
    expect(readProgress(arena([call('chdir'), 0n], [record, result], untouched))).toBe(progress);
  });
});
