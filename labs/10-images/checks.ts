/**
 * Evidence for lab 10: below a container lie its init layer and the image's layers, in this order;
 * what it writes is in its own; the image still is what its names say, which sha256sum works out
 * anew; and the layers of another, unpacked and mounted, are the root that it describes.
 * OCI image-spec, config.md, "Layer DiffID", "Layer ChainID", "ImageID"
 */
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { hexOf } from '../../lib/image/digest.ts';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import { type LabImages, lowersOf, topOf } from '../../lib/lab/lab-images.ts';
import type { LabHost, Running, Subject } from '../../lib/lab/subject.ts';
import { overlayAt } from '../../lib/overlay/mounted.ts';
import { INSIDE, LOWER_ALONE, makeHarmless, TOGETHER } from './harmless.ts';

/** What the host tells a container, each in a file of its own. */
const TOLD = ['hosts', 'hostname', 'resolv.conf'];

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  const { images } = subject;
  if (!images) throw new TypeError('the checks of lab 10 need a workbench with images');
  await using box = await subject.start({ hostname: 'told' });
  const overlay = overlayAt('/', box.pid);
  const lowers = (overlay?.lowers ?? []).map((path) => realpathSync(path));
  yield await stackOfImage(box, images, lowers);
  yield await told(box, lowers);
  yield upperIsEmpty(box, overlay?.upper ?? null);
  await box.type('echo hello > /hello.txt; echo more >> /etc/group; rm /etc/passwd');
  yield ownLayer(overlay?.upper ?? null);
  yield await idHolds(images);
  yield await layerHolds(images);
  yield await nothingAdded(images);
  yield await unpacksToLowers(subject);
}

async function stackOfImage({ pid }: Running, images: LabImages, lowers: readonly string[]) {
  const image = await lowersOf(images);
  const own = lowers.length - image.length;
  return compare('below it lie a layer of its own and the layers of the image', {
    expected: ['1 of its own', ...image].join(' '),
    seen: [`${own} of its own`, ...lowers.slice(Math.max(own, 0))].join(' '),
    where: `lowerdir in /proc/${pid}/mountinfo`,
    hint: 'lowerdir lists the topmost first: the init layer, then layers.lowers',
  });
}

async function told(box: Running, [init = '']: readonly string[]): Promise<Finding> {
  const texts = TOLD.map((name) => {
    const path = `${init}/etc/${name}`;
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  });
  const { address, nameserver } = box.network;
  const words = ['told', 'told', nameserver];
  const held = words.every((word, index) => texts[index]?.includes(word));
  return judge('what the host tells it is in the init layer', held, {
    expected: `told, ${address} and ${nameserver} in etc/{${TOLD.join(',')}}`,
    seen: texts.every((text) => text === '')
      ? 'no such files'
      : texts.join(' ').replace(/\s+/g, ' '),
    where: `${init}/etc`,
    hint: 'hosts, hostname and resolv.conf are written into a directory of this container alone, before the mount',
  });
}

function upperIsEmpty({ pid }: Running, upper: string | null): Finding {
  return compare('it begins with an empty layer to write into', {
    expected: 'empty',
    seen: upper === null ? 'no upper' : readdirSync(upper).join(' ') || 'empty',
    where: `${upper}, upperdir in /proc/${pid}/mountinfo`,
    hint: 'what the host writes through the mount, or into the upper, would be committed with it',
  });
}

function ownLayer(upper: string | null): Finding {
  const seen = upper === null ? [] : (readdirSync(upper, { recursive: true }) as string[]);
  return compare('what it adds, changes and removes is in that layer, and no more', {
    expected: 'etc etc/group etc/passwd hello.txt',
    seen: seen.sort().join(' '),
    where: `find ${upper}`,
    hint: 'nothing else is to be written there: a commit would take it along',
  });
}

const sha256sum = async (input: { file: string } | { input: NodeJS.ReadableStream }) => {
  const { stdout } =
    'file' in input
      ? await execa('sha256sum', [input.file])
      : await execa('sha256sum', { input: input.input as never });
  return stdout.slice(0, 64);
};

async function idHolds({ store, base }: LabImages): Promise<Finding> {
  const file = `${store.directory}/image/imagedb/content/sha256/${hexOf(base.id)}`;
  return compare('the image’s id is the digest of its configuration', {
    expected: hexOf(base.id),
    seen: await sha256sum({ file }),
    where: `sha256sum ${file}`,
    hint: 'the file was changed after it was written',
  });
}

async function layerHolds({ store, base }: LabImages): Promise<Finding> {
  const top = topOf(base);
  const layer = await store.layer(top);
  return compare('the layer’s tar, written anew from its directory, still has its diffID', {
    expected: hexOf(layer?.diffId ?? top),
    seen: await sha256sum({ input: store.layerTar(top) }).catch((error: Error) => error.message),
    where: `the tar of ${layer?.diff} | sha256sum`,
    hint: 'a file in the layer’s directory was changed, which is below other containers too',
  });
}

async function nothingAdded({ store }: LabImages): Promise<Finding> {
  const findings = await store.verify();
  const seen = findings.map(({ path, problem }) => `${path}: ${problem}`);
  return compare('the store has nothing in it that is not in its layers', {
    expected: '0 findings',
    seen: [`${findings.length} findings`, ...seen.slice(0, 2)].join('; '),
    where: `every file below ${store.directory}`,
    hint: 'somebody writes into an image’s layer: the host into rootfs, for instance',
  });
}

/**
 * The directories that `unpack` resolves with are mounted, by mount(8) on the lab's host: their order
 * shows there, what each holds, and how it marks what is removed.
 */
async function unpacksToLowers(subject: Subject): Promise<Finding> {
  const run = dirname(subject.rootfs);
  const [directory, target] = [`${run}/unpacked`, `${run}/mounted`];
  for (const path of [directory, target]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  return compare(
    'unpack gives each layer a directory, and an overlay of them is the image’s root',
    {
      expected: `2 below the given one; the lowest has ${LOWER_ALONE}; mounted: ${TOGETHER}`,
      seen: await unpackAndMount(subject, directory, target).catch((error: Error) => error.message),
      where: `${INSIDE} in the directories below ${directory}, and with them as lowerdir`,
      hint: 'the topmost first, and nothing of one layer in another’s; .wh.NAME of a tar is a whiteout there, a device 0,0',
    },
  );
}

async function unpackAndMount(subject: Subject, directory: string, target: string) {
  const { unpack, host } = subject;
  if (!unpack) return 'the module exports no unpack';
  const layers = await makeHarmless(subject);
  const lowers = await unpack(
    layers.map((path) => createReadStream(path)),
    directory,
  );
  const below = new Set(lowers.filter((path) => path.startsWith(`${directory}/`)));
  const lowest = await listWords(host, lowers.at(-1) ?? directory);
  const made = `${below.size} below the given one; the lowest has ${lowest}`;
  // An overlay without an upper wants two.
  if (lowers.length < 2) return made;
  await host.run(['mount', '-t', 'overlay', '-o', `ro,lowerdir=${lowers.join(':')}`, 'o', target]);
  try {
    return `${made}; mounted: ${await listWords(host, target)}`;
  } finally {
    await host.run(['umount', target]);
  }
}

/** `NAME:WORD` of each file. */
async function listWords(host: LabHost, root: string): Promise<string> {
  const printed = await host.run([
    'find',
    `${root}/${INSIDE}`,
    '-type',
    'f',
    '-exec',
    'grep',
    '-H',
    '',
    '{}',
    ';',
  ]);
  const lines = printed.split('\n').filter(Boolean);
  return lines
    .map((line) => line.slice(`${root}/${INSIDE}/`.length))
    .sort()
    .join(' ');
}
