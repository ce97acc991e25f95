/**
 * What a layer's entries, one after the other, lead to on the disk: which names are there, which hide
 * one of the layers below, which directories hide all of it.
 *
 * OCI image-spec, layer.md, "Applying Changesets"
 */
import type { TarEntry } from './tar-reader.ts';
import { placeOf } from './unpack-names.ts';

/** What is to be at a name: an entry, a whiteout, or a directory that entries imply. */
export type Expected = TarEntry | 'hidden' | 'implied';

export interface ExpectedTree {
  /** By path from the layer's root, which is the empty one. */
  names: Map<string, Expected>;
  /** Directories that hide what is below them in other layers. */
  opaque: Set<string>;
}

export const expectNothing = (): ExpectedTree => ({
  names: new Map([['', 'implied']]),
  opaque: new Set(),
});

/** Takes an entry into account; returns the bytes that it adds to the layer's size. */
export function expectEntry(tree: ExpectedTree, name: string, entry: TarEntry): number {
  const { names, opaque } = tree;
  const { parent, base } = placeOf(name);
  const path = parent === '' ? base : `${parent}/${base}`;
  const parts = path.split('/');
  if (parts.slice(0, -1).some((part) => part.startsWith('.wh.'))) return 0;
  imply(tree, parent);
  if (base.startsWith('.wh.')) {
    const hidden = base.slice('.wh.'.length);
    if (hidden === '.wh..opq') opaque.add(parent);
    if (!hidden.startsWith('.wh.')) hide(tree, parent === '' ? hidden : `${parent}/${hidden}`);
    return 0;
  }
  const before = names.get(path);
  if (before === 'hidden' && isDirectory(entry)) opaque.add(path);
  if (isDirectoryThere(before) && !isDirectory(entry)) {
    opaque.delete(path);
    for (const other of names.keys()) {
      if (!other.startsWith(`${path}/`)) continue;
      names.delete(other);
      opaque.delete(other);
    }
  }
  names.set(path, entry);
  return entry.type === 'file' ? entry.realSize : 0;
}

/** What the layer has of that name itself stays; a directory then hides those below it. */
function hide({ names, opaque }: ExpectedTree, path: string): void {
  const there = names.get(path);
  if (there === undefined) names.set(path, 'hidden');
  else if (isDirectoryThere(there)) opaque.add(path);
}

export const isDirectoryThere = (there: Expected | undefined) =>
  there === 'implied' || (typeof there === 'object' && isDirectory(there));

const isDirectory = ({ type }: TarEntry) => type === 'directory';

function imply(tree: ExpectedTree, path: string): void {
  const there = tree.names.get(path);
  if (path === '' || (there && there !== 'hidden')) return;
  imply(tree, placeOf(path).parent);
  if (there === 'hidden') tree.opaque.add(path);
  tree.names.set(path, 'implied');
}
