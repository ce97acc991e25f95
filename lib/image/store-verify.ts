/**
 * Reads a whole store and compares everything with its name or its record. It changes nothing.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isUnfinished } from './atomic-file.ts';
import { chainId, chainIds } from './chain-id.ts';
import { digestOf, isDigest } from './digest.ts';
import { readNames } from './repositories.ts';
import type { Digest } from './spec.ts';
import type { Finding, Layer } from './store.ts';
import { readKnown } from './store-blobs.ts';
import type { Images } from './store-images.ts';
import type { Layers } from './store-layers.ts';
import type { StorePaths } from './store-paths.ts';
import { verifyTree } from './verify-tree.ts';

export interface Verifying {
  paths: StorePaths;
  layers: Layers;
  images: Images;
}

/** See `Store.verify`. */
export async function verifyStore(store: Verifying): Promise<Finding[]> {
  const { paths } = store;
  const findings: Finding[] = [];
  const say = (path: string, problem: string) => void findings.push({ path, problem });
  await looking(paths.repositories, say, () => verifyNames(store, say));
  for (const name of namesIn(paths.images)) {
    const path = join(paths.images, name);
    await looking(path, say, () => verifyImage(store, path, say));
  }
  for (const name of namesIn(paths.blobs)) {
    const path = join(paths.blobs, name);
    await looking(path, say, () => void verifyContent(path, say));
  }
  for (const name of namesIn(paths.distribution)) {
    const path = join(paths.distribution, name);
    await looking(path, say, () => {
      readKnown(path);
      if (!isDigest(`sha256:${name.replace(/\.json$/, '')}`)) say(path, 'has no digest for a name');
    });
  }
  for (const name of namesIn(paths.layers)) {
    const path = join(paths.layers, name);
    await looking(path, say, () => verifyLayer(store, path, say));
  }
  return findings;
}

type Say = (path: string, problem: string) => void;

/** What cannot be read is a finding too, and does not end the search. */
async function looking(path: string, say: Say, look: () => void | Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    say(path, (error as Error).message);
  }
}

const namesIn = (path: string): string[] =>
  existsSync(path) ? readdirSync(path).filter((name) => !isUnfinished(name)) : [];

function verifyNames({ paths }: Verifying, say: Say): void {
  for (const [name, id] of readNames(paths.repositories)) {
    if (!existsSync(paths.image(id)))
      say(paths.repositories, `${name} is ${id}, which is not there`);
  }
}

/** Whether a file has the content that its name says. */
function verifyContent(path: string, say: Say): boolean {
  const digest = digestOf(readFileSync(path));
  const holds = digest === `sha256:${basename(path)}`;
  if (!holds) say(path, `its content has the digest ${digest}`);
  return holds;
}

function verifyImage({ images, layers }: Verifying, path: string, say: Say): void {
  if (!verifyContent(path, say)) return;
  const { rootfs } = images.readConfig(`sha256:${basename(path)}`);
  for (const chain of chainIds(rootfs.diff_ids)) {
    if (!layers.read(chain)) say(path, `its layer ${chain} is not there`);
  }
}

async function verifyLayer({ paths, layers }: Verifying, path: string, say: Say): Promise<void> {
  const chain: Digest = `sha256:${basename(path)}`;
  if (!isDigest(chain)) {
    say(path, 'has no digest for a name');
    return;
  }
  const layer = layers.read(chain);
  if (!layer) {
    say(join(path, 'cache-id'), 'is missing');
    return;
  }
  if (chainId(layer.parent, layer.diffId) !== chain) {
    say(path, `its diff and parent give ${chainId(layer.parent, layer.diffId)}`);
  }
  if (layer.parent && !layers.read(layer.parent))
    say(path, `its parent ${layer.parent} is missing`);
  verifyLinks(paths, layers, layer, say);
  const record = join(path, 'tar-split.json.gz');
  const digest = digestOf(readFileSync(record));
  if (digest !== readFileSync(join(path, 'tar-split.digest'), 'utf8')) {
    say(record, `has the digest ${digest}, and tar-split.digest says another`);
  }
  const size = await verifyTree(layers.files(layer), layer.omitted.length > 0, say);
  if (size !== layer.size) say(join(path, 'size'), `is ${layer.size}, and its files have ${size}`);
}

function verifyLinks(paths: StorePaths, layers: Layers, layer: Layer, say: Say): void {
  const { link, diff, cacheId } = layer;
  if (!existsSync(link) || realpathSync(link) !== realpathSync(diff)) {
    say(link, `does not lead to ${diff}`);
  } else if (readlinkSync(link) !== `../${cacheId}/diff`) {
    say(link, `is ${readlinkSync(link)}`);
  }
  const lower = join(paths.unpacked(cacheId), 'lower');
  const found = existsSync(lower) ? readFileSync(lower, 'utf8') : null;
  const below = layer.parent ? layers.lowerdirs(layer.parent) : null;
  const expected = below?.map((path) => `l/${basename(path)}`).join(':') ?? null;
  if (found !== expected) say(lower, 'does not have the links of the layers below');
}
