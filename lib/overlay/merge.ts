/**
 * What an overlay of some directories shows, worked out from the directories and without a mount:
 * the kernel's own rules of looking a name up, layer by layer from the top.
 *
 * - A whiteout, or a file, ends the search: nothing below it is seen.
 * - A directory goes on and merges with those below, unless it is opaque.
 * - A directory with a *redirect* goes on under another name: `overlay.redirect` is a name beside it,
 *   or a path from the layer's root. So does everything in it.
 *
 * ovl_lookup in the kernel's fs/overlayfs/namei.c; "redirect_dir" in overlayfs.rst
 */
import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { OverlayError } from './overlay-error.ts';
import { type Form, isWhiteout, readOverlayXattr } from './whiteout.ts';

/** Directories to be merged, the topmost first, and whose attributes count. */
export interface Layers {
  readonly directories: readonly string[];
  /** Without it, either form's. */
  readonly form?: Form | undefined;
}

/** Where an entry is in one layer. */
export interface Part {
  layer: number;
  /** From the layer's root, for instance `/etc`; the root is the empty text. */
  path: string;
  stats: BigIntStats;
}

/**
 * Something that is seen. Its first part is what it is. A directory's others merge with it; a file
 * has others where its metadata alone were copied up (`metacopy`): its data is in the last.
 */
export interface Entry {
  name: string;
  parts: readonly [Part, ...Part[]];
}

/** The merged root. Throws OverlayError for a layer that is no directory. */
export function mergedRoot(layers: Layers): Entry {
  const parts = layers.directories.map((directory, layer): Part => {
    const stats = lookAt(directory);
    if (stats?.isDirectory()) return { layer, path: '', stats };
    throw new OverlayError(directory, stats ? 'is no directory' : 'does not exist');
  });
  const [first, ...rest] = parts;
  if (!first) throw new OverlayError('overlay', 'no layer to look at');
  return { name: '', parts: [first, ...rest] };
}

export const isDirectory = ({ parts }: Entry): boolean => parts[0].stats.isDirectory();

/** On the disk. */
export const placeOf = (layers: Layers, { layer, path }: Part): string =>
  `${layers.directories[layer]}${path}`;

/** The names in a merged directory that are seen, sorted. Throws OverlayError. */
export function childrenOf(layers: Layers, directory: Entry): Entry[] {
  if (!isDirectory(directory)) return [];
  return namesIn(layers, directory.parts).flatMap((name) => lookUp(layers, directory, name) ?? []);
}

/** Every name that is in one of the parts, whiteouts too; sorted by code unit. */
export function namesIn(layers: Layers, parts: readonly Part[]): string[] {
  const names = parts.flatMap((part) => listNames(placeOf(layers, part)));
  return [...new Set(names)].sort();
}

function listNames(directory: string): string[] {
  return readdirSync(directory, { encoding: 'buffer' }).map((bytes) => {
    const name = bytes.toString();
    if (Buffer.byteLength(name) === bytes.length && Buffer.from(name).equals(bytes)) return name;
    throw new OverlayError(`${directory}/${name}`, 'the name is no UTF-8; rename it');
  });
}

/** What `name` in a merged directory shows, or null. Throws SyscallError. */
export function lookUp(layers: Layers, directory: Entry, name: string): Entry | null {
  const parts: Part[] = [];
  // Under which name, or from the root under which path, the layers from here down have it.
  let [called, rooted]: [string, string | null] = [name, null];
  for (let layer = 0; layer < layers.directories.length; layer++) {
    const here = directory.parts.find((part) => part.layer === layer);
    if (rooted === null && !here) continue;
    const path = rooted ?? `${here?.path}/${called}`;
    const found: Found = rooted === null ? step(layers, layer, path) : walk(layers, layer, path);
    if (found.stats) {
      // Only a directory merges with one above it, only a file is the data of another.
      if (parts[0] && kindOf(parts[0].stats) !== kindOf(found.stats)) break;
      parts.push({ layer, path, stats: found.stats });
    }
    if (found.ends) break;
    if (found.redirect === null) continue;
    if (found.redirect.startsWith('/')) rooted = found.redirect;
    else if (rooted === null) called = found.redirect;
    else rooted = `${dirname(rooted)}/${found.redirect}`;
  }
  const [first, ...rest] = parts;
  return first ? { name, parts: [first, ...rest] } : null;
}

const kindOf = ({ mode }: BigIntStats) => mode & 0o170000n;

interface Found {
  stats: BigIntStats | null;
  /** Nothing of the layers below is seen. */
  ends: boolean;
  redirect: string | null;
}

const NOTHING: Found = { stats: null, ends: false, redirect: null };

/** A single name in one layer. */
function step({ directories, form }: Layers, layer: number, path: string): Found {
  const place = `${directories[layer]}${path}`;
  const stats = lookAt(place);
  if (!stats) return NOTHING;
  if (isWhiteout(place, { form, stats })) return { ...NOTHING, ends: true };
  // Below the lowest layer there is nothing that a mark could be about.
  if (layer === directories.length - 1) return { stats, ends: true, redirect: null };
  const ends = stats.isDirectory()
    ? readOverlayXattr(place, 'opaque', form)?.toString() === 'y'
    : !stats.isFile() || readOverlayXattr(place, 'metacopy', form) === null;
  const redirect = ends ? null : readOverlayXattr(place, 'redirect', form);
  return { stats, ends, redirect: redirect?.toString() ?? null };
}

/** A path from a layer's root, on which every part may be gone, opaque or called otherwise below. */
function walk(layers: Layers, layer: number, path: string): Found {
  const names = path.split('/').filter((name) => name !== '');
  let [walked, below, ends]: [string, string, boolean] = ['', '', false];
  for (const [index, name] of names.entries()) {
    walked += `/${name}`;
    const found = step(layers, layer, walked);
    ends ||= found.ends;
    if (!found.stats) return { ...NOTHING, ends };
    const last = index === names.length - 1;
    if (!last && !found.stats.isDirectory()) return { ...NOTHING, ends: true };
    if (found.redirect === null) below += `/${name}`;
    else below = found.redirect.startsWith('/') ? found.redirect : `${below}/${found.redirect}`;
    if (last) return { stats: found.stats, ends, redirect: below === path ? null : below };
  }
  return NOTHING;
}

const lookAt = (path: string) => lstatSync(path, { bigint: true, throwIfNoEntry: false });
