/**
 * A layer by doing: the layers below are mounted with an empty one on top, something is changed in
 * what is seen there, and the empty one has become the new layer.
 *
 *     RUNS/ID/upper      what is changed
 *     RUNS/ID/merged     where it is seen; mounted until it is committed
 *     RUNS/ID/init/      the init layer, where a container is to run in it
 */
import { lstatSync, readdirSync } from 'node:fs';
import type { Host } from '../../host/host.ts';
import { withHost } from '../../host/with-host.ts';
import { overlayAction } from '../../overlay/mount.ts';
import { plainOptions, usableForm } from '../../overlay/plan.ts';
import { makeInitLayer } from '../init-layer.ts';
import type { Digest } from '../spec.ts';
import type { Layer, Store } from '../store.ts';
import { setTime } from './place.ts';

export interface Changing {
  store: Store;
  parent: Digest | null;
  /** Names the run that it is journalled as. */
  run: string;
  /** Where that is; the usual place unless given. */
  state?: string | undefined;
  /** Whether mount points are laid between, for a container. */
  init: boolean;
  /** Seconds since 1970: no time in the layer is later. */
  epoch?: number | undefined;
}

/** What the change works with. */
export interface Ground {
  host: Host;
  /** The merged root, an absolute path. */
  root: string;
}

/**
 * Resolves with the layer, or with null where `change` resolves with `'nothing'`. Throws what
 * `change` throws, HostError, ImageError; nothing stays mounted then.
 */
export async function changeLayers(
  changing: Changing,
  change: (ground: Ground) => Promise<'nothing' | undefined>,
): Promise<Layer | null> {
  const { store, parent, run, state, epoch } = changing;
  return withHost(run, state, async (host) => {
    const at = (name: string) => `${host.directory}/${name}`;
    const made = ['upper', 'work', 'merged', 'empty', 'init'].map(at);
    await host.do({
      name: 'layer directories',
      does: made.map((path) => ({ do: 'mkdir', path }) as const),
      undoes: [],
      seen: { path: at('upper') },
    });
    const image = parent === null ? [] : await store.lowerdirs(parent);
    const init = changing.init
      ? [await makeInitLayer({ lowers: image, directory: at('init'), run: `${run}-init`, state })]
      : [];
    const stack = [...init, ...image];
    const lowers = stack.length > 0 ? stack : [at('empty')];
    const [upper, work, root] = [at('upper'), at('work'), at('merged')];
    const options = plainOptions(usableForm());
    await host.do(overlayAction({ lowers, upper, work, target: root, options }));
    if ((await change({ host, root })) === 'nothing') return null;
    if (epoch !== undefined) clampTimes(upper, BigInt(epoch) * 1_000_000_000n);
    return store.commitLayer(parent, upper);
  });
}

/** What is in a directory first, for nothing is changed in it by that. */
function clampTimes(path: string, latest: bigint): void {
  const stats = lstatSync(path, { bigint: true });
  if (stats.isDirectory()) {
    for (const name of readdirSync(path)) clampTimes(`${path}/${name}`, latest);
  }
  if (stats.mtimeNs > latest) setTime(path, latest);
}
