/** The table of what was tested in which machine: a row for each test, a column for each layout. */
import { styleText } from 'node:util';
import type { Counts } from '../counts.ts';
import type { Result } from '../results.ts';

/** Results by the machine that they come from, in the order of the columns. */
export type Columns = ReadonlyMap<string, readonly Result[]>;

/** The table, and under it each reason once for every machine that gave it. */
export function formatTable(columns: Columns): string {
  const machines = [...columns.keys()];
  const tests = [...new Set([...columns.values()].flatMap((of) => of.map(({ test }) => test)))];
  const width = Math.max(...tests.map(({ length }) => length), 'all'.length);
  const cells = (of: (machine: string) => string) =>
    machines.map((machine) => of(machine).padEnd(CELL)).join('  ');
  const resultOf = (machine: string, test: string) =>
    columns.get(machine)?.find((result) => result.test === test);
  return [
    `${'test'.padEnd(width)}  ${cells((machine) => machine)}`.trimEnd(),
    ...tests.map((test) =>
      `${test.padEnd(width)}  ${cells((machine) => formatCell(resultOf(machine, test)))}`.trimEnd(),
    ),
    `${'all'.padEnd(width)}  ${cells((machine) => formatCell(total(columns.get(machine) ?? [])))}`.trimEnd(),
    ...formatReasons(columns),
  ].join('\n');
}

const CELL = '999 passed, 9 failed, 99 skipped'.length;

function formatCell(counts: Counts | undefined): string {
  if (!counts) return 'not run';
  const { passed, failed, skipped } = counts;
  const parts = [`${passed} passed`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (skipped > 0) parts.push(`${skipped} skipped`);
  return parts.join(', ');
}

function formatReasons(columns: Columns): string[] {
  const machinesOf = new Map<string, string[]>();
  for (const [machine, results] of columns) {
    for (const { test, reasons } of results) {
      for (const reason of reasons) {
        const line = `${test}: ${reason}`;
        machinesOf.set(line, [...(machinesOf.get(line) ?? []), machine]);
      }
    }
  }
  return [...machinesOf].map(([line, machines]) => `${machines.join(', ')}  ${line}`);
}

export function total(results: readonly Counts[]): Counts {
  const sum = (key: keyof Counts) => results.reduce((all, each) => all + each[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** One result as it comes in, with what failed. */
export function formatResult(machine: string, result: Result): string {
  const mark = result.failed > 0 ? styleText('red', '✗') : styleText('green', '✓');
  const seconds = styleText('dim', `(${result.seconds.toFixed(1)} s)`);
  const failures = result.reasons.filter((reason) => reason.startsWith('failed'));
  return [
    `${machine} ${mark} ${result.test}  ${formatCell(result)} ${seconds}`,
    ...failures.map((reason) => `${machine}     ${styleText('red', reason)}`),
  ].join('\n');
}
