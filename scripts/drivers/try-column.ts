/** One engine, begun, put to its cases one after the other, and ended. */
import { mkdirSync } from 'node:fs';
import { findCommand } from '../../lib/observe/command.ts';
import type { Case } from './case.ts';
import type { Bench, Column } from './engine.ts';
import type { Outcome, Outcomes } from './report.ts';

export interface Tried {
  /** With its version, where it is there. */
  name: string;
  outcomes: Outcomes;
}

export async function tryColumn(
  column: Column,
  cases: readonly Case[],
  bench: Bench,
): Promise<Tried> {
  const all = (outcome: Outcome): Outcomes => new Map(cases.map(({ name }) => [name, outcome]));
  const packages = Object.entries(column.needs).flatMap(([command, from]) =>
    findCommand(command) ? [] : [from],
  );
  if (packages.length > 0) {
    const why = `not installed: apt-get install ${[...new Set(packages)].join(' ')}`;
    return { name: column.name, outcomes: all({ how: 'absent', why }) };
  }
  mkdirSync(bench.directory);
  const name = `${column.name} ${await column.version()}`;
  const outcomes = new Map<string, Outcome>();
  try {
    const { engine, stop } = await column.begin(bench);
    for (const { name: what, prove } of cases) {
      const why = column.without[what];
      const outcome = why === undefined ? await outcomeOf(prove(engine, bench)) : absent(why);
      outcomes.set(what, outcome);
    }
    await stop();
    return { name, outcomes };
  } catch (error) {
    // All that was not tried, and if it was all: it did not end as it should have.
    const failed: Outcome = { how: 'failed', why: (error as Error).message };
    const left = all(failed);
    return { name, outcomes: new Map([...left, ...outcomes, ['begin and end', failed]]) };
  }
}

const absent = (why: string): Outcome => ({ how: 'absent', why });

const outcomeOf = (proof: Promise<void>): Promise<Outcome> =>
  proof.then(
    () => ({ how: 'held' }),
    (error: Error) => ({ how: 'failed', why: error.message.replaceAll(/\s*\n\s*/g, ' ') }),
  );
