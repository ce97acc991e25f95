/**
 * Hints for a task, in three degrees from a nudge to nearly the answer. Which one was shown last
 * stands in `my/hints.json`, so that asking again gives the next.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from './lab.ts';
import { LabError } from './lab-error.ts';
import { myDirectory, writeMine } from './my-runtime.ts';

const hintsPath = () => join(myDirectory(), 'hints.json');

/** The hint of `degree`, or the next one; after the third the third again. Remembers it. */
export function takeHint(number: string, task: Task, degree?: number): string {
  const shown = readShown();
  const wanted = degree ?? Math.min((shown[number] ?? 0) + 1, task.hints.length);
  const hint = task.hints[wanted - 1];
  if (hint === undefined) throw new LabError(`there is no hint ${degree}; there are 1, 2 and 3`, 2);
  writeMine('hints.json', `${JSON.stringify({ ...shown, [number]: wanted }, null, 2)}\n`);
  const next =
    wanted < task.hints.length
      ? `the next one: npm run lab:${number} -- --hint`
      : `the answer: npm run lab:${number} -- --solution`;
  return `hint ${wanted} of ${task.hints.length}: ${hint}\n${next}`;
}

function readShown(): Record<string, number> {
  if (!existsSync(hintsPath())) return {};
  try {
    return JSON.parse(readFileSync(hintsPath(), 'utf8'));
  } catch (cause) {
    throw new LabError(`${hintsPath()}: not readable as JSON; delete it`, 1, { cause });
  }
}
