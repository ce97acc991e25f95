/**
 * The parts that a lab must have besides its reading: steps, a task with three hints whose place is
 * found, checks, attacks; and nothing in its folder that is none of these.
 */
import { course, type LabModules, numberOf } from '../course.ts';
import type { Complaint } from './complaint.ts';

export const KNOWN_FILES = ['README.md', 'lab.ts', 'runtime.ts', 'checks.ts', 'attack.ts'];

/** `previous` is the source that the task is written into. */
export function lintParts(modules: LabModules, folder: string, previous: string): Complaint[] {
  const complaints: Complaint[] = [];
  const complain = (name: string, problem: string) =>
    complaints.push({ file: `labs/${folder}/${name}`, problem });
  const { steps, task } = modules.lab;
  if (Object.keys(steps).length === 0) complain('lab.ts', 'has no steps');
  for (const [name, { title }] of Object.entries(steps)) {
    if (!title.trim()) complain('lab.ts', `step ${name} has no title`);
  }
  const hints = task.hints.filter((hint) => hint.trim() !== '');
  if (hints.length !== 3) complain('lab.ts', `${hints.length} hints; there have to be 3`);
  if (task.lines.length === 0) complain('lab.ts', 'its task says nothing');
  if (!previous.includes(task.before)) {
    complain('lab.ts', `the task has no place: \`${task.before}\` is not in what it builds on`);
  }
  if (typeof modules.runtime.runtime !== 'function') complain('runtime.ts', 'exports no runtime');
  if (!isAsyncGenerator(modules.checks)) complain('checks.ts', 'checks is no async function*');
  if (!Array.isArray(modules.attacks) || modules.attacks.length === 0) {
    complain('attack.ts', 'exports no attacks');
    return complaints;
  }
  const numbers = course.map(numberOf);
  for (const { name, stoppedBy } of modules.attacks) {
    if (!numbers.includes(stoppedBy)) {
      complain('attack.ts', `${name} is stopped by ${stoppedBy}, which is no lab`);
    }
  }
  return complaints;
}

/** Files of a lab's folder that are neither known nor linked to by its reading. */
export function lintFolder(
  folder: string,
  files: readonly string[],
  linked: readonly string[],
): Complaint[] {
  return files
    .filter((name) => !KNOWN_FILES.includes(name) && !linked.includes(name))
    .map((name) => ({ file: `labs/${folder}/${name}`, problem: 'astray: nothing refers to it' }));
}

const isAsyncGenerator = (value: unknown) =>
  Object.prototype.toString.call(value) === '[object AsyncGeneratorFunction]';
