/**
 * How far a child has come, read from the results in its records. A record that was begun says
 * RUNNING until its call returns, and keeps it when execve or exit succeeds.
 */
import type { Assembled } from './assemble.ts';
import { MAY_FAIL, MIN1, RUNNING, UNTOUCHED } from './stub/stub.ts';

/** The child is in a call that is neither execve nor exit, or was killed in it. */
export function isInCall(assembled: Assembled): boolean {
  const last = lastTouched(assembled);
  const what = assembled.records[last]?.what;
  const final = what && 'call' in what && (what.call === 'execve' || what.call === 'exit');
  return assembled.resultOf(last) === Number(RUNNING) && !final;
}

/** More is to come: the last call is neither execve nor exit, nor was it stopped by its result. */
export function isUnderway(assembled: Assembled): boolean {
  const last = lastTouched(assembled);
  const result = assembled.resultOf(last);
  if (result === Number(RUNNING)) return isInCall(assembled);
  const flags = assembled.records[last]?.flags ?? 0;
  const failed = result < 0 && result > -4096 && (flags & MAY_FAIL) === 0;
  return !failed && !((flags & MIN1) !== 0 && result < 1);
}

function lastTouched({ records, resultOf }: Assembled): number {
  return records.findLastIndex((_, i) => resultOf(i) !== Number(UNTOUCHED));
}
