/**
 * How many tests held, in the one form that everything which counts tests ends with: a line for
 * people, and, where the environment names a file in UNBOXED_COUNTS, a line of JSON for `.ci/run`,
 * which adds them up.
 */
import { appendFileSync } from 'node:fs';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Prints the line, appends it to UNBOXED_COUNTS, and sets exit code 1 when something failed. */
export function reportCounts({ passed, failed, skipped }: Counts): void {
  console.log(`tests: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  const file = process.env.UNBOXED_COUNTS;
  if (file) appendFileSync(file, `${JSON.stringify({ passed, failed, skipped })}\n`);
  if (failed > 0) process.exitCode = 1;
}
