/**
 * From which layer each name of an overlay comes, worked out from the directories: one row for each
 * name, one cell for each layer. Names that a whiteout or an opaque directory hides have rows too,
 * so that one sees what is gone and where it still is.
 */

import { type BigIntStats, lstatSync } from 'node:fs';
import {
  childrenOf,
  type Entry,
  isDirectory,
  type Layers,
  mergedRoot,
  namesIn,
  placeOf,
} from './merge.ts';
import { isOpaque, isWhiteout, readOverlayXattr } from './whiteout.ts';

/** What one layer has to do with one name. */
export type Cell =
  | 'absent'
  /** What is seen is this. */
  | 'seen'
  /** What is seen is this, and the kernel has copied it from a layer below. */
  | 'copied up'
  /** A directory: what is in it is seen together with that of other layers. */
  | 'merged'
  /** A directory that hides what layers below have of it. */
  | 'opaque'
  /** A directory whose lower part is somewhere else, see `from`. */
  | 'moved'
  | 'whiteout'
  /** There, and not seen. */
  | 'covered';

export interface Row {
  /** From the merged root; the root is `/`. */
  path: string;
  name: string;
  depth: number;
  kind: 'directory' | 'file' | 'link' | 'other';
  /** False where every layer that has it is covered. */
  visible: boolean;
  /** One for each layer, the topmost first. */
  cells: Cell[];
  /** Of a directory that was moved: the redirect. */
  from: string | null;
}

/** The rows of a tree, a directory before what is in it. Throws OverlayError or SyscallError. */
export function provenance(layers: Layers): Row[] {
  const root = mergedRoot(layers);
  return rowsOf(layers, root, '', 0);
}

function rowsOf(layers: Layers, entry: Entry, path: string, depth: number): Row[] {
  const rows = [rowOf(layers, entry, path, depth)];
  if (!isDirectory(entry)) return rows;
  const shown = new Map(childrenOf(layers, entry).map((child) => [child.name, child]));
  for (const name of namesOf(layers, entry, path)) {
    const child = shown.get(name);
    const inner = `${path}/${name}`;
    if (child) rows.push(...rowsOf(layers, child, inner, depth + 1));
    else rows.push(hiddenRow(layers, name, inner, depth + 1));
  }
  return rows;
}

/** What any layer has in a directory of that path, seen or not, as long as it is one there. */
function namesOf(layers: Layers, entry: Entry, path: string): string[] {
  const names = namesIn(layers, entry.parts);
  for (const directory of layers.directories) {
    const stats = lookInside(directory, path);
    if (!stats?.isDirectory()) continue;
    names.push(...namesIn({ directories: [directory] }, [{ layer: 0, path, stats }]));
  }
  return [...new Set(names)].sort();
}

function rowOf(layers: Layers, entry: Entry, path: string, depth: number): Row {
  const { name, parts } = entry;
  const [first] = parts;
  const stats = first.stats;
  let from: string | null = null;
  const cells = layers.directories.map((directory, layer): Cell => {
    const part = parts.find((one) => one.layer === layer);
    if (!part) return cellBelow(layers, directory, path);
    const place = placeOf(layers, part);
    if (!isDirectory(entry)) return cameFromBelow(place, layers) ? 'copied up' : 'seen';
    if (isOpaque(place, layers.form)) return 'opaque';
    const redirect = readOverlayXattr(place, 'redirect', layers.form);
    if (redirect) from = redirect.toString();
    if (redirect) return 'moved';
    return parts.length > 1 ? 'merged' : 'seen';
  });
  const kind = stats.isDirectory()
    ? 'directory'
    : stats.isFile()
      ? 'file'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other';
  return { path: path || '/', name: name || '/', depth, kind, visible: true, cells, from };
}

/** `overlay.origin` is the file handle of what was copied. */
const cameFromBelow = (place: string, { form }: Layers) =>
  readOverlayXattr(place, 'origin', form) !== null;

/** A layer that has no part in what is seen may still have the name. */
function cellBelow({ form }: Layers, directory: string, path: string): Cell {
  const stats = lookInside(directory, path);
  if (!stats) return 'absent';
  return isWhiteout(`${directory}${path}`, { form, stats }) ? 'whiteout' : 'covered';
}

/** Null as well where the way there is through something else: a link would lead out of the layer. */
function lookInside(directory: string, path: string): BigIntStats | null {
  let place = directory;
  for (const name of path.split('/').slice(1, -1)) {
    place += `/${name}`;
    if (!lstatSync(place, { throwIfNoEntry: false })?.isDirectory()) return null;
  }
  return lstatSync(directory + path, { bigint: true, throwIfNoEntry: false }) ?? null;
}

function hiddenRow(layers: Layers, name: string, path: string, depth: number): Row {
  const cells = layers.directories.map((directory) => cellBelow(layers, directory, path));
  const below = layers.directories.findLast((_, layer) => cells[layer] === 'covered');
  const stats = below === undefined ? undefined : lstatSync(`${below}${path}`);
  const kind = stats?.isDirectory() ? 'directory' : 'file';
  return { path, name, depth, kind, visible: false, cells, from: null };
}
