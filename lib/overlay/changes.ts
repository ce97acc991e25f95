/**
 * What an upper directory changes of the layers below it, as `docker diff` tells it: A added, C
 * changed, D deleted. It is what the overlay shows with the upper compared with what it would show
 * without, so a directory that was renamed by a redirect is its old name gone and the new one added
 * with all that is in it, and an opaque directory is the names that it hides.
 *
 * What was copied up and is equal in everything that can be seen is no change. A directory's time
 * counts, but for that of the root, which every upper has of its own.
 *
 * Not told: that with `index=on` the other names of a file show what was written to one of them. The
 * kernel keeps it in the work directory. What is to become a layer is mounted with `index=off`.
 *
 * - `changes`: the list for a reader.
 * - `layerEntries`: what a layer has to carry for it: the same, and every directory on the way, since
 *   one that is made without its mode and owner would cover the one below with wrong ones.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { getXattr, listXattrs } from '../kernel/xattr.ts';
import {
  type Entry,
  isDirectory,
  type Layers,
  lookUp,
  mergedRoot,
  namesIn,
  type Part,
  placeOf,
} from './merge.ts';
import type { Form } from './whiteout.ts';

export interface LayerEntry {
  kind: 'A' | 'C' | 'D' | '=';
  /** From the merged root, for instance `/etc/hosts`. */
  path: string;
  /** What is seen there now, on the disk, an absolute path; null for what is deleted. */
  source: string | null;
  /** Where a file's data is: `source` itself, but for one of which only the metadata was copied up. */
  data: string | null;
}

export interface Change extends LayerEntry {
  kind: 'A' | 'C' | 'D';
}

/**
 * The changes, a directory before what is in it, names sorted. `lowers` as for a mount, the topmost
 * first. The upper may be mounted, its files should not be written meanwhile. Of a directory that is
 * gone, what was in it is not listed. Throws OverlayError or SyscallError.
 */
export const changes = (upper: string, lowers: readonly string[], options: ChangesOptions = {}) =>
  layerEntries(upper, lowers, options).filter((entry): entry is Change => entry.kind !== '=');

/** The same, with the root, and the unchanged directories (`=`) that a change lies in. */
export function layerEntries(
  upper: string,
  lowers: readonly string[],
  options: ChangesOptions = {},
): LayerEntry[] {
  const layers: Layers = { directories: [upper, ...lowers], form: options.form };
  const whole = mergedRoot(layers);
  const walk: Walk = { layers, list: [], linked: new Map() };
  // The same layers, entered below the upper: what is looked up from there never comes to it.
  compare(walk, whole, entryOf('', whole.parts.slice(1)), '');
  settleLinks(walk);
  return withoutIdle(walk.list);
}

export interface ChangesOptions {
  /** Whose attributes count; without it, either form's. */
  form?: Form;
}

interface Walk {
  layers: Layers;
  list: LayerEntry[];
  /** Files of the upper that have several names, by inode: what became of each name. */
  linked: Map<bigint, Named[]>;
}

interface Named {
  /** Its place in the list. */
  at: number;
  /** The same file below, as `device:inode`; null where there is none. */
  old: string | null;
}

const entryOf = (name: string, [first, ...rest]: readonly Part[]): Entry | null =>
  first ? { name, parts: [first, ...rest] } : null;

/** Adds what differs between an entry that is seen now and what was seen there before. */
function compare(walk: Walk, now: Entry, old: Entry | null, path: string): void {
  if (old && isSamePart(now, old)) return;
  const kind = old === null ? 'A' : isEqual(walk, now, old) ? '=' : 'C';
  const source = placeOf(walk.layers, now.parts[0]);
  const data = now.parts[0].stats.isFile() ? dataOf(walk.layers, now) : source;
  walk.list.push({ kind, path: path || '/', source, data });
  noteLinks(walk, now, old);
  if (isDirectory(now)) compareInside(walk, now, old, path);
}

/** Nothing of it is in the upper, and what is seen comes from the same places. */
function isSamePart(now: Entry, old: Entry): boolean {
  if (now.parts.length !== old.parts.length) return false;
  return now.parts.every((part, i) => {
    const other = old.parts[i];
    return part.layer === other?.layer && part.path === other.path;
  });
}

function compareInside(walk: Walk, now: Entry, old: Entry | null, path: string): void {
  const inside = old && isDirectory(old) ? old : null;
  for (const name of namesToCompare(walk, now, inside)) {
    const [is, was] = [lookUp(walk.layers, now, name), inside && lookUp(walk.layers, inside, name)];
    if (is) compare(walk, is, was, `${path}/${name}`);
    else if (was) walk.list.push({ kind: 'D', path: `${path}/${name}`, source: null, data: null });
  }
}

/** Where the lower parts are those of before, only what the upper holds can differ. */
function namesToCompare({ layers }: Walk, now: Entry, old: Entry | null): string[] {
  const [first, ...rest] = now.parts;
  const merges = old !== null && first.layer === 0;
  const lower = entryOf(now.name, rest);
  if (merges && lower && isSamePart(lower, old)) return namesIn(layers, [first]);
  return namesIn(layers, [...now.parts, ...(old?.parts ?? [])]);
}

/** In kind, mode, owner, time, attributes and content. */
function isEqual({ layers }: Walk, now: Entry, old: Entry): boolean {
  const [a, b] = [now.parts[0].stats, old.parts[0].stats];
  const alike =
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.rdev === b.rdev &&
    // A copy is no longer one file with the other names of what it was copied from.
    (a.isDirectory() || a.nlink === b.nlink) &&
    (a.mtimeNs === b.mtimeNs || now.name === '');
  if (!alike) return false;
  const [here, there] = [placeOf(layers, now.parts[0]), placeOf(layers, old.parts[0])];
  if (attributesOf(here) !== attributesOf(there)) return false;
  if (a.isSymbolicLink()) return readlinkSync(here) === readlinkSync(there);
  if (!a.isFile()) return true;
  const [data, oldData] = [dataOf(layers, now), dataOf(layers, old)];
  return a.size === b.size && (data === oldData || digestOf(data) === digestOf(oldData));
}

/** Of a file, the last part: there are several where the first is a copy of metadata alone. */
const dataOf = (layers: Layers, { parts: [first, ...rest] }: Entry): string =>
  placeOf(layers, rest.at(-1) ?? first);

const digestOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

/** All that is not the overlay's own. */
function attributesOf(path: string): string {
  const names = listXattrs(path).filter((name) => !/^(trusted|user)\.overlay\./.test(name));
  return names.map((name) => `${name}=${getXattr(path, name)?.toString('hex')}`).join(' ');
}

function noteLinks({ list, linked }: Walk, now: Entry, old: Entry | null): void {
  const { layer, stats } = now.parts[0];
  if (layer !== 0 || stats.nlink < 2n || isDirectory(now)) return;
  const below = old?.parts[0].stats;
  const named = { at: list.length - 1, old: below ? `${below.dev}:${below.ino}` : null };
  linked.set(stats.ino, [...(linked.get(stats.ino) ?? []), named]);
}

/**
 * A name that is equal is a change all the same when it is one file with a name that is not: else a
 * layer would bring that one as a file of its own.
 */
function settleLinks({ list, linked }: Walk): void {
  for (const names of linked.values()) {
    const olds = new Set(names.map(({ old }) => old));
    const kept = names.flatMap(({ at }) => list[at] ?? []);
    if (olds.size === 1 && kept.every(({ kind }) => kind === '=')) continue;
    for (const entry of kept) if (entry.kind === '=') entry.kind = 'C';
  }
}

/** Without what is equal, but for directories with a change somewhere in them. */
function withoutIdle(list: readonly LayerEntry[]): LayerEntry[] {
  const kept: LayerEntry[] = [];
  let next = '';
  // What is in a directory follows it: from the end, the entry after it tells.
  for (const entry of list.toReversed()) {
    // The root always goes along: another upper would have its own mode and owner there.
    const holds = entry.path === '/' || next.startsWith(`${entry.path}/`);
    if (entry.kind === '=' && !holds) continue;
    kept.push(entry);
    next = entry.path;
  }
  return kept.toReversed();
}
