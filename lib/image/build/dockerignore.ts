/**
 * What of a directory does not belong to the build. One pattern a line, seen from the directory's
 * root; the last one that matches decides, and `!` takes something back in. What matches a
 * directory matches all that is in it.
 *
 * Dockerfile reference, ".dockerignore file"
 */
import { posix } from 'node:path';
import { BuildError } from './build-error.ts';
import { globToRegExp } from './glob.ts';

export interface Dockerignore {
  /** `path` is relative to the context, without `./`. */
  ignores(path: string): boolean;
  /** Whether something below a directory that is left out may be taken in: it has to be entered. */
  mayTakeIn(directory: string): boolean;
}

interface Rule {
  takesIn: boolean;
  pattern: string;
  matches: RegExp;
}

export const IGNORES_NOTHING: Dockerignore = { ignores: () => false, mayTakeIn: () => true };

/** Throws BuildError that names the line of the pattern that is none. */
export function parseDockerignore(text: string, file = '.dockerignore'): Dockerignore {
  const rules = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((line, index) => readRule(line, file, index + 1) ?? []);
  const ignores = (path: string) => {
    let left = false;
    const paths = [path, ...parents(path)];
    for (const { takesIn, matches } of rules) {
      if (left === takesIn && paths.some((each) => matches.test(each))) left = !takesIn;
    }
    return left;
  };
  const exceptions = rules.filter(({ takesIn }) => takesIn);
  const mayTakeIn = (directory: string) =>
    exceptions.some(({ pattern }) => reachesBelow(pattern, directory));
  return { ignores, mayTakeIn };
}

function readRule(line: string, file: string, number: number): Rule | null {
  if (line.startsWith('#')) return null;
  const trimmed = line.trim();
  const takesIn = trimmed.startsWith('!');
  const given = (takesIn ? trimmed.slice(1) : trimmed).trim();
  if (trimmed === '') return null;
  // As absolute first, so that neither `..` nor a leading slash leads out.
  const pattern = posix.normalize(`/${given}`).replace(/^\/|\/$/g, '');
  if (given === '' || pattern === '') {
    if (given === '.' || given === '/') return null;
    throw new BuildError(file, `${JSON.stringify(line)} is no pattern`, { line: number });
  }
  try {
    return { takesIn, pattern, matches: globToRegExp(pattern) };
  } catch (cause) {
    throw new BuildError(file, (cause as Error).message, { line: number, cause });
  }
}

/** `a/b/c` is in `a/b`, which is in `a`. */
function parents(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** A pattern can match below `directory` unless its first parts say that it cannot. */
function reachesBelow(pattern: string, directory: string): boolean {
  const parts = pattern.split('/');
  for (const [index, name] of directory.split('/').entries()) {
    const part = parts[index];
    if (part?.includes('**')) return true;
    if (part === undefined) return true;
    if (!globToRegExp(part).test(name)) return false;
  }
  return true;
}
