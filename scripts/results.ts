/**
 * How each test file, lab or list of mutants ended, as a line of JSON in the file that
 * UNBOXED_RESULTS names: whoever starts a run elsewhere, in a virtual machine, reads them as they
 * come and makes the table of tests and machines from them.
 */
import { appendFileSync } from 'node:fs';
import type { Counts } from './counts.ts';

export interface Result extends Counts {
  /** What ran: `lib/kernel/call.test.ts`, `lab 03`, `mutants of lab 03`. */
  test: string;
  /** What went wrong or was skipped, with the reason; a line each. */
  reasons: string[];
  seconds: number;
}

/** Does nothing where nobody has asked for results. */
export function recordResult(result: Result): void {
  const file = process.env.UNBOXED_RESULTS;
  if (file) appendFileSync(file, `${JSON.stringify(result)}\n`);
}
