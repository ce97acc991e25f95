/**
 * The attributes by which an overlay takes a name of a layer for more than it looks: those that the
 * layer's entries have led to, and no others. One more can show files of elsewhere (`redirect`), one
 * less what the layer has hidden (`opaque`).
 */
import { lstatSync } from 'node:fs';
import { getXattr, listXattrs } from '../kernel/xattr.ts';
import { isOverlays } from './attributes.ts';
import { type ExpectedTree, isDirectoryThere } from './expected-tree.ts';
import { placeOf, toFsPath, toPath } from './unpack-names.ts';

/** Says each that should not be there at `path`, and the one that is missing. Throws SyscallError. */
export function compareMarks(
  path: string,
  name: string,
  { names, opaque }: ExpectedTree,
  say: (problem: string) => void,
): void {
  if (!lstatSync(toFsPath(path), { throwIfNoEntry: false })) return;
  const there = names.get(name);
  // Below an opaque directory there is nothing to hide, and on a layer's root overlay does not look.
  const counts = name !== '' && !opaque.has(placeOf(name).parent);
  let hides = false;
  for (const attribute of listXattrs(toPath(path)).filter(isOverlays)) {
    const [, , mark = ''] = attribute.split('.');
    const value = getXattr(toPath(path), attribute)?.toString() ?? '';
    hides ||= mark === 'opaque' && value === 'y';
    const isWhiteout = mark === 'whiteout' && there === 'hidden';
    // `x` has the kernel look for whiteouts that are files in it, and hides nothing itself.
    const isOpaque = mark === 'opaque' && (value === 'x' || !counts || opaque.has(name));
    if (!isWhiteout && !(isOpaque && isDirectoryThere(there)))
      say(`has the attribute ${attribute}, which is not of its layer`);
  }
  if (counts && opaque.has(name) && isDirectoryThere(there) && !hides)
    say('does not hide any more what lies below it in other layers');
}
