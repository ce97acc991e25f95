/**
 * Which variables an instruction can use. A build argument holds from its ARG to the end of the
 * stage; a variable of the environment goes into the image, and hides an argument of the same name.
 *
 * Dockerfile reference, "ARG", "Scope", "Automatic platform ARGs in the global scope"
 */
import type { Platform } from '../spec.ts';
import { formatPlatform, hostPlatform } from '../transfer/platform.ts';
import { BuildError } from './build-error.ts';
import type { Instruction } from './dockerfile.ts';
import { expandWord, splitWords, type Variables, WordError } from './expand.ts';

export interface Scope {
  file: string;
  escapeChar: string;
  /** Of the stage so far: declared by ARG, with a value. */
  arguments: Map<string, string>;
  /** The environment that the image has so far. */
  environment: ReadonlyMap<string, string>;
}

/** Those of the outside world, which need no ARG to be given, and do not count for the cache. */
export const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap(
  (name) => [name, name.toLowerCase()],
);

/** What every Dockerfile can use in FROM, and after an ARG without a value in a stage. */
export function platformArguments(target: Platform): Map<string, string> {
  const build = hostPlatform();
  return new Map([
    ['TARGETPLATFORM', formatPlatform(target)],
    ['TARGETOS', target.os],
    ['TARGETARCH', target.architecture],
    ['TARGETVARIANT', target.variant ?? ''],
    ['BUILDPLATFORM', formatPlatform(build)],
    ['BUILDOS', build.os],
    ['BUILDARCH', build.architecture],
    ['BUILDVARIANT', ''],
  ]);
}

export const variablesOf = (scope: Pick<Scope, 'arguments' | 'environment'>): Variables =>
  new Map([...scope.arguments, ...scope.environment]);

/** `expandWord` in this scope. Throws BuildError with the instruction's line. */
export function expandIn(scope: Scope, instruction: Instruction, word: string): string {
  try {
    return expandWord(word, variablesOf(scope), scope.escapeChar);
  } catch (cause) {
    if (!(cause instanceof WordError)) throw cause;
    const { line, keyword } = instruction;
    throw new BuildError(scope.file, `${keyword}: ${cause.message}`, { line, cause });
  }
}

export interface Pair {
  key: string;
  /** Undefined for a name without `=`. */
  value: string | undefined;
}

/**
 * `NAME=value …` of ENV, LABEL and ARG, replaced; all values from before the instruction. `single`
 * also takes the old form, in which everything behind the first blank is the value.
 */
export function readPairs(
  scope: Scope,
  instruction: Instruction,
  { single }: { single: boolean },
): Pair[] {
  const { text, line, keyword } = instruction;
  const [first = '', ...others] = splitWords(text, scope.escapeChar);
  if (single && !first.includes('=')) {
    const rest = text.slice(first.length).trim();
    if (rest === '') {
      const what = `${keyword} ${first}: a value has to follow, as ${first}=value`;
      throw new BuildError(scope.file, what, { line });
    }
    return [
      { key: expandIn(scope, instruction, first), value: expandIn(scope, instruction, rest) },
    ];
  }
  return [first, ...others].map((word) => {
    const at = word.indexOf('=');
    const key = expandIn(scope, instruction, at < 0 ? word : word.slice(0, at));
    if (key === '' || (at < 0 && keyword !== 'ARG')) {
      const what = `${keyword}: ${JSON.stringify(word)} is not of the form NAME=value`;
      throw new BuildError(scope.file, what, { line });
    }
    return { key, value: at < 0 ? undefined : expandIn(scope, instruction, word.slice(at + 1)) };
  });
}
