/**
 * Compares an unpacked layer with its tar: the contents by checksum and digest, and of every entry
 * what its header says, attributes among it. Names and attributes that the tar does not have are found
 * too: an overlay's own, of which one more would show other files.
 */
import { lstatSync, readdirSync, readlinkSync, type Stats } from 'node:fs';
import { attributesIn, isOfLayer, readAttributes } from './attributes.ts';
import { type Expected, expectEntry, expectNothing } from './expected-tree.ts';
import { type LayerFiles, writeLayerTar } from './layer-tar.ts';
import { createTarReader, type TarEntry } from './tar-reader.ts';
import { readSplit } from './tar-split.ts';
import { showName, toFsPath, toPath } from './unpack-names.ts';
import { compareMarks } from './verify-marks.ts';

type Say = (path: string, problem: string) => void;

/**
 * Returns the bytes of all regular files that the tar has. `lenient` is for a layer of which something
 * was left out when it was unpacked: then devices, owners and attributes are not compared.
 */
export async function verifyTree(files: LayerFiles, lenient: boolean, say: Say): Promise<number> {
  const names = await readNames(files.record);
  const tree = expectNothing();
  let index = 0;
  let size = 0;
  const reader = createTarReader({
    framing() {},
    content() {},
    entryEnd() {},
    entry(entry) {
      const name = names[index++] ?? entry.name;
      size += expectEntry(tree, name, entry);
    },
  });
  for await (const chunk of writeLayerTar(files, say)) reader.push(chunk);
  for (const [name, entry] of tree.names) {
    compare(files.diff, name, entry, lenient, say);
    if (lenient) continue;
    const path = `${files.diff}/${name}`;
    compareMarks(path, name, tree, say.bind(null, pathOf(files.diff, name)));
  }
  for (const name of walk(files.diff, '')) {
    // An opaque root was written out as whiteouts of what was below it.
    if (!tree.names.has(name) && !(tree.opaque.has('') && !name.includes('/')))
      say(pathOf(files.diff, name), 'is not in the layer’s tar');
  }
  return size;
}

/** Those under which entries lie in the tree, in the order of the tar. */
async function readNames(record: string): Promise<string[]> {
  const names: string[] = [];
  for await (const line of readSplit(record)) if (line.type === 'file') names.push(line.name);
  return names;
}

function compare(diff: string, name: string, expected: Expected, lenient: boolean, say: Say): void {
  const path = pathOf(diff, name);
  const stats = lstatSync(toFsPath(`${diff}/${name}`), { throwIfNoEntry: false });
  if (expected === 'hidden') {
    // Without a device it is a file with an attribute, or nothing in an opaque directory.
    if (!lenient && stats && !isWhiteout(stats)) say(path, 'is no whiteout any more');
    return;
  }
  const isDevice = typeof expected === 'object' && expected.type.endsWith('device');
  if (!stats) {
    if (!(lenient && isDevice)) say(path, 'is missing');
    return;
  }
  if (expected === 'implied') {
    if (!stats.isDirectory()) say(path, 'is no directory any more');
    return;
  }
  for (const [what, wanted, found] of differences(expected, stats, diff, name, lenient)) {
    if (wanted !== found) say(path, `its ${what} is ${found} and not ${wanted}`);
  }
}

const isWhiteout = (stats: Stats) =>
  (stats.isCharacterDevice() && stats.rdev === 0) || (stats.isFile() && stats.size === 0);

type Difference = [what: string, wanted: string | number, found: string | number];

function* differences(
  entry: TarEntry,
  stats: Stats,
  diff: string,
  name: string,
  lenient: boolean,
): Generator<Difference> {
  // What a hard link's header says is its first name's to have.
  if (entry.type === 'link') return;
  yield ['type', entry.type, typeOf(stats)];
  if (entry.type === 'symlink' && stats.isSymbolicLink()) {
    const found = readlinkSync(toFsPath(`${diff}/${name}`), { encoding: 'latin1' });
    yield ['target', showName(entry.linkname), showName(found)];
  } else {
    yield ['mode', `0${entry.mode.toString(8)}`, `0${(stats.mode & 0o7777).toString(8)}`];
  }
  if (entry.type === 'file') yield ['size', entry.realSize, stats.size];
  if (!lenient) {
    yield ['owner', `${entry.uid}:${entry.gid}`, `${stats.uid}:${stats.gid}`];
    yield* attributeDifferences(entry, `${diff}/${name}`);
  }
  yield ['time', entry.mtime.seconds, Math.floor(stats.mtimeMs / 1000)];
}

function* attributeDifferences(entry: TarEntry, path: string): Generator<Difference> {
  const found = readAttributes(toPath(path));
  const expected = attributesIn(entry.xattrs);
  for (const name of new Set([...expected.keys(), ...found.keys()])) {
    if (!isOfLayer(name)) continue;
    const [wanted, there] = [expected, found].map((from) => from.get(name)?.toString('hex'));
    yield [`attribute ${name}`, wanted ?? 'absent', there ?? 'absent'];
  }
}

function typeOf(stats: Stats): TarEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isFIFO()) return 'fifo';
  return stats.isBlockDevice() ? 'block device' : 'character device';
}

function* walk(diff: string, path: string): Generator<string> {
  const entries = readdirSync(toFsPath(`${diff}/${path}`), {
    encoding: 'buffer',
    withFileTypes: true,
  });
  for (const entry of entries) {
    const base = entry.name.toString('latin1');
    const name = path === '' ? base : `${path}/${base}`;
    yield name;
    if (entry.isDirectory()) yield* walk(diff, name);
  }
}

/** For a message. */
const pathOf = (diff: string, name: string) =>
  `${diff}/${JSON.parse(showName(name)) as string}`.replace(/\/$/, '');
