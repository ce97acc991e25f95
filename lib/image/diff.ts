/**
 * What a container has changed of its image, as `docker diff` shows it: A added, C changed, D
 * deleted. The init layer is one of the layers below, so what it brought is no change.
 */
import { realpathSync } from 'node:fs';
import { type Change, changes } from '../overlay/changes.ts';

export interface ContainerLayers {
  /** What the container has written; it may be mounted. */
  upper: string;
  /** The `diff` directory of its init layer, where it has one. */
  init: string | null;
  /** The image's, the topmost first. */
  image: readonly string[];
}

/** A directory before what is in it, names sorted. Throws OverlayError. */
export function diffOf({ upper, init, image }: ContainerLayers): Change[] {
  // The store names layers by short links, and a layer is a directory.
  const lowers = image.map((path) => realpathSync(path));
  return changes(upper, init === null ? lowers : [init, ...lowers]);
}
