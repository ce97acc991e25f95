/**
 * Pulling an image from a registry on loopback, into a store, ready to be mounted; beside `skopeo copy`
 * and `umoci unpack`, which come to a directory as well. Three layers: the whole root filesystem, and
 * two of one file, so that something can be fetched while something else is unpacked.
 */
import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { packLayer } from '../../lib/image/pack-layer.ts';
import { push } from '../../lib/image/registry/push.ts';
import { startRegistry } from '../../lib/image/registry/registry.fixture.ts';
import type { Digest } from '../../lib/image/spec.ts';
import { openStore } from '../../lib/image/store.ts';
import { hostPlatform } from '../../lib/image/transfer/platform.ts';
import { needs } from '../../lib/observe/needs.ts';
import { median } from './sample.ts';

export interface PullFigures {
  /** Seconds, medians, each from an empty store to the last file. */
  ours: number;
  skopeo: number;
  umoci: number;
  /** Of the first to the sum of the others. */
  ratio: number;
  /** Of the process that pulls, megabytes, the highest of all rounds. */
  peak: number;
}

const PULL = fileURLToPath(new URL('pull-once.ts', import.meta.url));
const NAME = 'bench/root:latest';

/** `layer` is a tar; null, with the reason, where there is nothing to compare with. */
export async function benchPull(
  rounds: number,
  layer: string,
  directory: string,
): Promise<PullFigures | string> {
  const { met, reason } = needs(
    ...(['command:docker-registry', 'command:skopeo', 'command:umoci'] as const),
  );
  if (!met) return reason;
  await using registry = await startRegistry();
  const name = `${registry.host}/${NAME}`;
  await fill(name, layer, join(directory, 'filled'));
  const times = { ours: [] as number[], skopeo: [] as number[], umoci: [] as number[] };
  let peak = 0;
  const at = (what: string) => join(directory, what);
  for (let round = 0; round < rounds; round++) {
    // By turns, so that whatever else the machine does meets all alike.
    const copy = ['copy', '--src-tls-verify=false', `docker://${name}`, `oci:${at('oci')}:bench`];
    times.skopeo.push(await seconds('skopeo', ['--insecure-policy', ...copy]));
    const unpack = ['unpack', '--image', `${at('oci')}:bench`, at('bundle')];
    times.umoci.push(await seconds('umoci', unpack));
    const begin = performance.now();
    const { stdout } = await execa(process.execPath, [PULL, name, at('store')]);
    times.ours.push((performance.now() - begin) / 1000);
    peak = Math.max(peak, Number(stdout));
    for (const what of ['oci', 'bundle', 'store']) await rm(at(what), { recursive: true });
  }
  const [ours, skopeo, umoci] = [median(times.ours), median(times.skopeo), median(times.umoci)];
  return { ours, skopeo, umoci, ratio: ours / (skopeo + umoci), peak };
}

async function seconds(command: string, argv: string[]): Promise<number> {
  const begin = performance.now();
  await execa(command, argv, { stdin: 'ignore' });
  return (performance.now() - begin) / 1000;
}

/** An image of the layer and two small ones, pushed from a store that is gone after. */
async function fill(name: string, layer: string, directory: string): Promise<void> {
  const store = await openStore(join(directory, 'store'));
  const streams = [createReadStream(layer)];
  const small = ['one', 'two'].map(async (text) => {
    const tree = join(directory, text);
    await mkdir(tree, { recursive: true });
    await writeFile(join(tree, text), text);
    return packLayer(tree);
  });
  const diffIds: Digest[] = [];
  let parent: Digest | null = null;
  for (const stream of [...streams, ...(await Promise.all(small))]) {
    const added = await store.addLayer({ parent, stream });
    diffIds.push(added.diffId);
    parent = added.chainId;
  }
  const rootfs = { type: 'layers' as const, diff_ids: diffIds };
  await store.putImage({ ...hostPlatform(), rootfs }, [name]);
  await push(store, name);
  await rm(directory, { recursive: true });
}
