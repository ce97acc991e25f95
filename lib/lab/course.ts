/**
 * The course: which labs there are, in which order, and where. One list, from which the scripts,
 * the linter and the engine take everything else.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Attack, Checks, Lab, RuntimeModule } from './lab.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Folder names under labs/; the first two characters are the lab's number. */
export const course = [
  '00-host',
  '01-chroot',
  '02-mount-namespace',
  '03-pivot-root',
  '04-pid-namespace',
  '05-network-namespace',
  '06-nsenter',
  '07-cgroup-v1',
  '08-cgroup-v2',
  '09-overlay',
  '10-images',
] as const;

/**
 * Labs that go on from another one than the one before them. Those about cgroups ask for one layout
 * each, and a machine has one of the two; what comes after must not ask for either.
 */
const BUILDS_ON: Readonly<Record<string, string>> = { '08': '06', '09': '06' };

export interface LabModules {
  number: string;
  /** Absolute path of the lab's folder. */
  directory: string;
  lab: Lab;
  runtime: RuntimeModule;
  checks: Checks;
  attacks: readonly Attack[];
}

export const numberOf = (folder: string) => folder.slice(0, 2);
export const directoryOf = (folder: string) => `${root}labs/${folder}`;

/** Loads a lab by number ('03' or '3'); undefined when there is none. */
export async function loadLab(number: string): Promise<LabModules | undefined> {
  const padded = number.padStart(2, '0');
  const folder = course.find((name) => numberOf(name) === padded);
  if (!folder) return undefined;
  const directory = directoryOf(folder);
  const load = (file: string) => import(pathToFileURL(`${directory}/${file}`).href);
  const [lab, runtime, checks, attack] = await Promise.all(
    ['lab.ts', 'runtime.ts', 'checks.ts', 'attack.ts'].map(load),
  );
  return {
    number: padded,
    directory,
    lab: lab.default,
    runtime,
    checks: checks.checks,
    attacks: attack.attacks,
  };
}

/** What a lab builds on: the previous lab's runtime; for lab 00 an execve and nothing else. */
export interface Predecessor {
  /** '02', or '--' before lab 00: sorts before every lab's number. */
  number: string;
  name: string;
  /** Absolute path of its source. */
  file: string;
  runtime: RuntimeModule;
}

/** What lab `number` builds on. Throws RangeError for a number that is no lab's. */
export async function loadPrevious(number: string): Promise<Predecessor> {
  const own = folderOf(number);
  const folder = folderBefore(number);
  const file = folder ? `${directoryOf(folder)}/runtime.ts` : `${directoryOf(own)}/before.ts`;
  const runtime: RuntimeModule = await import(pathToFileURL(file).href);
  if (!folder) return { number: '--', name: 'a bare execve', file, runtime };
  return { number: numberOf(folder), name: `lab ${numberOf(folder)}`, file, runtime };
}

/** The numbers of the labs whose lines the runtime of lab `number` has, itself the last. */
export function lineage(number: string): string[] {
  const before = folderBefore(number);
  return [...(before ? lineage(numberOf(before)) : []), number];
}

function folderBefore(number: string): string | undefined {
  const builtOn = BUILDS_ON[number];
  const index = course.indexOf(folderOf(number));
  return builtOn === undefined ? course[index - 1] : folderOf(builtOn);
}

/** Throws RangeError. */
function folderOf(number: string): (typeof course)[number] {
  const folder = course.find((name) => numberOf(name) === number);
  if (!folder) throw new RangeError(`no lab ${number}`);
  return folder;
}
