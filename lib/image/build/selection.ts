/**
 * What COPY and ADD take: sources by name or pattern, inside a root that they cannot leave, without
 * what .dockerignore keeps out. A directory stands for what is in it.
 *
 * Dockerfile reference, "COPY", "Source", "Destination"
 */
import { isUtf8 } from 'node:buffer';
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { findInRoot } from '../in-root.ts';
import type { Dockerignore } from './dockerignore.ts';
import { globToRegExp, isGlob } from './glob.ts';

export interface Origin {
  /** A directory that no source leads out of. */
  root: string;
  ignore: Dockerignore;
  /** As a message calls it: "the build context", "stage build". */
  what: string;
}

export interface Item {
  /** Where it is, without links on the way. */
  from: string;
  /** Relative to the destination; empty for a single file, which may become it. */
  to: string;
  /** The file's own name, of a source that is a file. */
  name: string;
  stats: BigIntStats;
}

/** What cannot be taken; the caller knows the line. */
export class SelectionError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SelectionError';
  }
}

/**
 * The items in the order in which they are to be put, directories before what is in them.
 * Throws SelectionError: nothing there, a name that is not UTF-8 or that would be a whiteout.
 */
export function selectItems(
  origin: Origin,
  sources: readonly string[],
  destination: string,
): Item[] {
  const found = sources.flatMap((source) => findSources(origin, source));
  if (found.length > 1 && !/(^|\/)\.?$/.test(destination)) {
    throw new SelectionError(
      `${found.length} sources, so that ${destination} has to be a directory: end it with a slash`,
    );
  }
  return found.flatMap((path) => itemsOf(origin, path));
}

/** Paths relative to the root, normal, that are there and not ignored. */
function findSources(origin: Origin, source: string): string[] {
  const path = posix.join('/', source).slice(1).replace(/\/$/, '');
  const found = isGlob(path) ? expandGlob(origin, path) : [path];
  const kept = found.filter((each) => each === '' || isKept(origin, each));
  const there = kept.filter((each) => findInRoot(origin.root, each) !== null);
  if (there.length > 0) return there;
  const ignored = found.length > kept.length ? ', or rather .dockerignore keeps it out' : '';
  throw new SelectionError(`${source} is not in ${origin.what}${ignored}`);
}

/** A directory that is left out counts where something in it is taken in. */
const isKept = ({ ignore }: Origin, path: string) =>
  !ignore.ignores(path) || ignore.mayTakeIn(path);

function expandGlob(origin: Origin, pattern: string): string[] {
  let paths = [''];
  for (const part of pattern.split('/')) {
    const matches = compile(part);
    paths = paths.flatMap((path) => {
      if (!isGlob(part)) return [posix.join(path, part)];
      const directory = findInRoot(origin.root, path);
      if (directory === null || !lstatSync(directory).isDirectory()) return [];
      const names = namesIn(directory).filter((name) => matches.test(name));
      return names.map((name) => posix.join(path, name));
    });
  }
  return paths;
}

function compile(pattern: string): RegExp {
  try {
    return globToRegExp(pattern);
  } catch (error) {
    throw new SelectionError((error as Error).message);
  }
}

function itemsOf(origin: Origin, path: string): Item[] {
  const from = findInRoot(origin.root, path) ?? '';
  const stats = lstatSync(from, { bigint: true });
  if (stats.isDirectory()) return walk(origin, from, path, '');
  // The name by which it was asked for, also where that is a link.
  const name = posix.basename(path);
  assertName(name);
  return [{ from, to: '', name, stats }];
}

function* walkEntries(origin: Origin, from: string, path: string, to: string): Generator<Item> {
  for (const name of namesIn(from)) {
    const [inner, within] = [posix.join(path, name), posix.join(to, name)];
    const item = { from: `${from}/${name}`, to: within, name: '' };
    const stats = lstatSync(item.from, { bigint: true });
    const ignored = origin.ignore.ignores(inner);
    if (ignored && !(stats.isDirectory() && origin.ignore.mayTakeIn(inner))) continue;
    assertName(name);
    if (!stats.isDirectory()) {
      // What an archive's .wh. name has become.
      if (stats.isCharacterDevice() && stats.rdev === 0n) assertName(`.wh.${name}`);
      // A socket is no file that could be copied: there has to be somebody who listens.
      if (!stats.isSocket()) yield { ...item, stats };
      continue;
    }
    const below = walk(origin, item.from, inner, within);
    if (!ignored || below.length > 0) yield { ...item, stats };
    yield* below;
  }
}

const walk = (origin: Origin, from: string, path: string, to: string): Item[] => [
  ...walkEntries(origin, from, path, to),
];

function namesIn(directory: string): string[] {
  const names = readdirSync(directory, { encoding: 'buffer' });
  return names
    .map((name) => {
      if (isUtf8(name)) return name.toString();
      throw new SelectionError(
        `${directory}: a name in it is not UTF-8: ${name.toString('latin1')}`,
      );
    })
    .sort((a, b) => (a < b ? -1 : 1));
}

/** In a layer's tar such a name removes another file. */
function assertName(name: string): void {
  if (!name.startsWith('.wh.')) return;
  throw new SelectionError(
    `${name}: in a layer, a name that begins with .wh. stands for a file that was removed; rename it`,
  );
}
