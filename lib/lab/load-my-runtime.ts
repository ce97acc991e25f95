/**
 * Loading the learner's runtime. It is somebody's unfinished work: a syntax error, an import that
 * leads nowhere or a missing export is the ordinary case, and is told in one line with the place.
 */
import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { RuntimeModule } from './lab.ts';
import { LabError } from './lab-error.ts';
import { shownPath } from './my-runtime.ts';

/** Throws LabError, with exit code 1, when the file does not load or has no `runtime`. */
export async function loadMyRuntime(path: string): Promise<RuntimeModule> {
  const shown = shownPath(path);
  let module: Partial<RuntimeModule>;
  try {
    // A module is loaded once per address: the time makes a changed file another one.
    module = await import(`${pathToFileURL(path).href}?changed=${statSync(path).mtimeMs}`);
  } catch (cause) {
    const { message } = cause as Error;
    const line = findLine(path, cause as Error);
    const place = line === undefined ? shown : `${shown}:${line}`;
    throw new LabError(`${place}: ${firstLine(message)}`, 1, { cause });
  }
  for (const name of ['runtime', 'join', 'unpack'] as const) {
    const value = module[name];
    if (name !== 'runtime' && value === undefined) continue;
    if (typeof value === 'function') continue;
    const line = lineOf(path, new RegExp(`\\b${name}\\b`)) ?? 1;
    const what = value === undefined ? 'is not exported' : `is exported and is no function`;
    throw new LabError(`${shown}:${line}: \`${name}\` ${what}; a lab's runtime.ts exports it`, 1);
  }
  return module as RuntimeModule;
}

/** The line of `path` that an error is about: from its stack, or from the name in its message. */
export function findLine(path: string, error: Error): number | undefined {
  const { stack = '', message } = error;
  const at = stack.indexOf(path);
  const found = at < 0 ? null : /^[^\s:]*?:(\d+)/.exec(stack.slice(at + path.length));
  if (found) return Number(found[1]);
  const missing = /^Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  const name = missing?.split('/').at(-1);
  return name === undefined ? undefined : lineOf(path, new RegExp(RegExp.escape(name)));
}

function lineOf(path: string, pattern: RegExp): number | undefined {
  const lines = readFileSync(path, 'utf8').split('\n');
  const at = lines.findIndex((line) => pattern.test(line));
  return at < 0 ? undefined : at + 1;
}

const firstLine = (text: string) => text.split('\n')[0] ?? text;
