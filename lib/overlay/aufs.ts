/**
 * The names by which a layer tar says that something is gone, after the union file system AUFS, from
 * which they come: `.wh.NAME` beside where NAME was, `.wh..wh..opq` in a directory that hides all
 * below it. Other names that begin with `.wh..wh.` are AUFS's own bookkeeping.
 *
 * - `whiteoutName`, `readAufsName`: names alone, for whoever reads or writes a tar.
 * - `toOverlay`, `toAufs`: a whole directory, in place.
 *
 * "Whiteouts" and "Opaque Whiteout" in the OCI image specification, layer.md
 */
import { lstatSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { OverlayError } from './overlay-error.ts';
import {
  clearOpaque,
  type Form,
  isOpaque,
  isWhiteout,
  makeOpaque,
  makeWhiteout,
} from './whiteout.ts';

export const WHITEOUT_PREFIX = '.wh.';
export const OPAQUE_NAME = '.wh..wh..opq';

/** The name that says that `name` is gone. Throws OverlayError for one that has a meaning itself. */
export function whiteoutName(name: string): string {
  if (name === '' || name.startsWith(WHITEOUT_PREFIX) || name.includes('/')) {
    throw new OverlayError(name, 'cannot be told as gone in a layer: the name is not a plain one');
  }
  return WHITEOUT_PREFIX + name;
}

export type AufsName =
  | { kind: 'plain' }
  | { kind: 'opaque' }
  | { kind: 'whiteout'; hides: string }
  /** AUFS's bookkeeping: nothing for an overlay. */
  | { kind: 'ignored' };

/** What a name in a layer tar stands for; of a path its last part. Throws OverlayError for `.wh.`. */
export function readAufsName(path: string): AufsName {
  const name = basename(path);
  if (!name.startsWith(WHITEOUT_PREFIX)) return { kind: 'plain' };
  if (name === OPAQUE_NAME) return { kind: 'opaque' };
  if (name.startsWith('.wh..wh.')) return { kind: 'ignored' };
  const hides = name.slice(WHITEOUT_PREFIX.length);
  // `.wh..` and `.wh...` would name the directory itself and the one above it.
  if (hides === '' || hides === '.' || hides === '..') {
    throw new OverlayError(
      path,
      'a whiteout that names nothing it could hide; the layer is damaged',
    );
  }
  return { kind: 'whiteout', hides };
}

/** A directory as it comes out of a layer tar becomes one that can be a lower of an overlay. */
export function toOverlay(directory: string, form: Form): void {
  for (const name of readdirSync(directory)) {
    const path = `${directory}/${name}`;
    const stats = lstatSync(path);
    const { kind, ...what } = readAufsName(path);
    if (kind === 'plain') {
      if (stats.isDirectory()) toOverlay(path, form);
      continue;
    }
    unlinkSync(path);
    if (kind === 'opaque') makeOpaque(directory, form);
    // Beside what it hides: the layer has the name anew, which hides the old one by itself.
    else if ('hides' in what && !isThere(`${directory}/${what.hides}`)) {
      makeWhiteout(`${directory}/${what.hides}`, form);
    }
  }
}

const isThere = (path: string) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** And back: an upper directory, unmounted, as it goes into a layer tar. */
export function toAufs(directory: string, form: Form): void {
  if (isOpaque(directory, form)) writeFileSync(`${directory}/${OPAQUE_NAME}`, '', { mode: 0o600 });
  clearOpaque(directory, form);
  for (const name of readdirSync(directory)) {
    if (name === OPAQUE_NAME) continue;
    const path = `${directory}/${name}`;
    const stats = lstatSync(path);
    if (stats.isDirectory()) toAufs(path, form);
    if (!isWhiteout(path, { form, stats })) continue;
    unlinkSync(path);
    writeFileSync(`${directory}/${whiteoutName(name)}`, '', { mode: 0o600 });
  }
}
