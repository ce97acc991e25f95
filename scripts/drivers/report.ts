/** The table: a row for each case, a column for each engine; below it, why not. */
import { styleText } from 'node:util';
import type { Counts } from '../counts.ts';

export type Outcome =
  | { how: 'held' }
  | { how: 'failed'; why: string }
  /** The engine has no words for it, or is not there. */
  | { how: 'absent'; why: string };

/** Of an engine, by case. */
export type Outcomes = ReadonlyMap<string, Outcome>;

const CELL = 12;
const SIGNS = { held: 'held', failed: 'FAILED', absent: '—' } as const;
const COLORS = { held: 'green', failed: 'red', absent: 'dim' } as const;

export function formatReport(
  cases: readonly string[],
  columns: ReadonlyMap<string, Outcomes>,
): string {
  const engines = [...columns.keys()];
  const width = Math.max(...cases.map(({ length }) => length));
  const rows = cases.map((name) => {
    const cells = engines.map((engine) => {
      const { how } = columns.get(engine)?.get(name) ?? { how: 'absent' as const };
      return styleText(COLORS[how], SIGNS[how].padEnd(CELL));
    });
    return `${name.padEnd(width)}  ${cells.join('  ')}`.trimEnd();
  });
  const head = `${'case'.padEnd(width)}  ${engines.map((name) => name.padEnd(CELL)).join('  ')}`;
  return [head.trimEnd(), ...rows, ...reasons(columns)].join('\n');
}

/** Each once, with the engines and cases that it is about. */
function reasons(columns: ReadonlyMap<string, Outcomes>): string[] {
  const found = new Map<string, string[]>();
  for (const [engine, outcomes] of columns) {
    for (const [name, outcome] of outcomes) {
      if (outcome.how === 'held') continue;
      const key = `${SIGNS[outcome.how]} ${engine}: ${outcome.why}`;
      found.set(key, [...(found.get(key) ?? []), name]);
    }
  }
  return [...found].map(([why, names]) => `${why} (${names.join('; ')})`);
}

/** A line for each that did not hold, as results have them. */
export function linesOf(outcomes: Outcomes): string[] {
  return [...outcomes].flatMap(([name, outcome]) => {
    if (outcome.how === 'held') return [];
    return [`${outcome.how === 'failed' ? 'failed' : 'skipped'}: ${name}: ${outcome.why}`];
  });
}

export function countOutcomes(columns: ReadonlyMap<string, Outcomes>): Counts {
  const all = [...columns.values()].flatMap((outcomes) => [...outcomes.values()]);
  const count = (how: Outcome['how']) => all.filter((outcome) => outcome.how === how).length;
  return { passed: count('held'), failed: count('failed'), skipped: count('absent') };
}
