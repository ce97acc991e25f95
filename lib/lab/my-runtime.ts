/**
 * The learner's own runtime, `my/runtime.ts` in the checkout: begun as a copy of the lab before,
 * it grows with each lab. Git does not see it. Whatever is about to be overwritten is kept beside
 * it under a name that is free.
 *
 * UNBOXED_MY names another directory.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type LabModules, loadPrevious, root } from './course.ts';
import { LabError } from './lab-error.ts';
import { insertTask, markedTasks, moveImports, writeTask } from './task.ts';

export const myDirectory = (): string => resolve(process.env.UNBOXED_MY ?? join(root, 'my'));
export const myRuntimePath = (): string => join(myDirectory(), 'runtime.ts');

/** The path as the learner would type it in the checkout. */
export function shownPath(path: string): string {
  const inside = relative(root, path);
  return inside.startsWith('..') ? path : inside;
}

/**
 * Makes `my/runtime.ts` ready for a lab: writes it when there is none, and puts the lab's task into
 * it where an earlier lab's is all it has. Returns what it did, in lines for the learner; none when
 * the file was ready.
 */
export async function prepareMyRuntime(modules: LabModules): Promise<string[]> {
  const path = myRuntimePath();
  const shown = shownPath(path);
  if (!existsSync(path)) {
    const { source, from } = await draftRuntime(modules);
    writeMine('runtime.ts', source);
    return [`made ${shown} from the runtime of ${from}; your task is written in it`];
  }
  const { number, lab } = modules;
  const source = readFileSync(path, 'utf8');
  // Whoever has come further has done this lab's part: its task would only confuse.
  if (markedTasks(source).some((marked) => marked >= number)) return [];
  const withTask = insertTask(source, number, lab.task);
  if (withTask === undefined) {
    const place = `no line of ${shown} contains \`${lab.task.before}\``;
    return [
      `${place}, so the task is here; paste it where it belongs:`,
      '',
      ...writeTask(number, lab.task),
      '',
    ];
  }
  const kept = keepAside((count) => `before-${number}${count > 1 ? `-${count}` : ''}`);
  writeMine('runtime.ts', withTask);
  return [`wrote the task of lab ${number} into ${shown}; as it was: ${shownPath(kept)}`];
}

/** Starts over from the lab before. Where the old file went, or null when there was none. */
export async function restartMyRuntime(modules: LabModules): Promise<string | null> {
  const { source } = await draftRuntime(modules);
  const kept = existsSync(myRuntimePath()) ? keepAside((count) => `kept-${count}`) : null;
  writeMine('runtime.ts', source);
  return kept;
}

/** What the lab builds on, moved to `my/`, with the lab's task in it. */
export async function draftRuntime({
  number,
  lab,
}: LabModules): Promise<{ source: string; from: string }> {
  const { file, name } = await loadPrevious(number);
  const source = moveRuntime(readFileSync(file, 'utf8'), dirname(file), myDirectory());
  const withTask = insertTask(source, number, lab.task);
  if (withTask === undefined) {
    throw new LabError(`${shownPath(file)}: no line contains \`${lab.task.before}\``, 1);
  }
  return { source: withTask, from: name };
}

/** `source` of a runtime in `from`, with imports that mean the same files from `to`. */
export function moveRuntime(source: string, from: string, to: string): string {
  return moveImports(source, (specifier) => {
    const path = relative(to, resolve(from, specifier));
    return path.startsWith('.') ? path : `./${path}`;
  });
}

/** Copies the file to `runtime.NAME.ts`, for the first name that is free. */
function keepAside(nameOf: (count: number) => string): string {
  const fileOf = (count: number) => `runtime.${nameOf(count)}.ts`;
  let count = 1;
  while (existsSync(join(myDirectory(), fileOf(count)))) count += 1;
  return writeMine(fileOf(count), readFileSync(myRuntimePath(), 'utf8'));
}

/**
 * Writes a file in `my/`. Root writes it for whoever owns the checkout: after `sudo npm run …` it
 * is somebody else's editor that has to save it.
 */
export function writeMine(name: string, text: string): string {
  const directory = myDirectory();
  const path = join(directory, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, text);
  const { uid, gid } = statSync(root);
  if (process.getuid?.() === 0 && uid !== 0) {
    for (const each of [directory, path]) chownSync(each, uid, gid);
  }
  return path;
}
