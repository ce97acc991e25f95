/**
 * A directory of changes (an overlay upper, or any tree) as a layer's tar: sorted, with numbers for
 * owners and times to the nanosecond, so the same tree gives the same bytes. Whiteouts and opaque
 * directories get their names of the format back.
 *
 * A container may still write there: directories are held open on the way down and no link is
 * followed, so nothing of the host's can get into the layer.
 *
 * OCI image-spec, layer.md, "Representing Changes"; overlayfs.rst for the attributes
 */
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { Readable } from 'node:stream';
import { kernel } from '../kernel/call.ts';
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } from '../kernel/constants.ts';
import { getXattr, listXattrs } from '../kernel/xattr.ts';
import { isOfLayer } from './attributes.ts';
import { ImageError } from './image-error.ts';
import { entryBytes, type PackedEntry, paddingOf, TAR_END } from './pack-entry.ts';
import { showName, toFsPath, toPath } from './unpack-names.ts';

export interface PackOptions {
  /** Seconds since 1970 for every entry in place of its own time, for a reproducible image. */
  mtime?: number;
  /** Owner of every entry in place of its own. */
  owner?: { uid: number; gid: number };
}

const CHUNK = 256 * 1024;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
const FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
const OVERLAY = /^(?:trusted|user)\.overlay\.(.+)$/;

/** The tar of everything below `root`, and of `root` itself as `./`. It fails with an ImageError. */
export function packLayer(root: string, options: PackOptions = {}): Readable {
  return Readable.from(gathered(pack(root, options)), { objectMode: false });
}

/** Few large chunks of many small ones. */
async function* gathered(parts: Iterable<Buffer>): AsyncGenerator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for (const part of parts) {
    waiting.push(part);
    length += part.length;
    if (length < CHUNK) continue;
    yield waiting.length === 1 ? part : Buffer.concat(waiting, length);
    waiting = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}

function* pack(root: string, options: PackOptions): Generator<Buffer> {
  /** The first name of each file that has several. */
  const linked = new Map<string, string>();
  const fd = openSync(root, DIRECTORY);
  try {
    yield* packDirectory(fd, '', lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true }), {
      ...options,
      linked,
    });
    yield TAR_END;
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    const message = (cause as Error).message;
    throw new ImageError(root, `could not be made a layer: ${message}`, { cause });
  } finally {
    closeSync(fd);
  }
}

interface Packing extends PackOptions {
  linked: Map<string, string>;
}

function* packDirectory(
  fd: number,
  path: string,
  stats: BigIntStats,
  packing: Packing,
): Generator<Buffer> {
  const held = `/proc/self/fd/${fd}`;
  const { xattrs, overlay } = attributesOf(`${held}/.`, path);
  const entry = describe(path === '' ? './' : `${path}/`, stats, packing);
  yield* entryBytes({ ...entry, typeflag: '5', xattrs });
  const prefix = path === '' ? '' : `${path}/`;
  if (overlay.get('opaque') === 'y') yield* whiteout(`${prefix}.wh..wh..opq`, entry);
  const names = readdirSync(held, { encoding: 'latin1' }).sort(byBytes);
  for (const name of names) yield* packName(fd, name, `${prefix}${name}`, packing);
}

/** A character is a byte here, so this is the order of bytes. */
const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function* packName(
  directory: number,
  name: string,
  path: string,
  packing: Packing,
): Generator<Buffer> {
  const reached = `/proc/self/fd/${directory}/${name}`;
  const stats = lstatSync(toFsPath(reached), { bigint: true, throwIfNoEntry: false });
  // Gone since its directory was listed, or what no tar has.
  if (!stats || stats.isSocket()) return;
  if (name.startsWith('.wh.')) {
    throw new ImageError(showName(path), 'has a name that in a layer says that a file is gone', {
      remedy: 'rename or remove it',
    });
  }
  if (stats.isDirectory()) {
    const fd = kernel.openat(directory, toPath(name), DIRECTORY);
    try {
      yield* packDirectory(fd, path, stats, packing);
    } finally {
      closeSync(fd);
    }
    return;
  }
  const { xattrs, overlay } = attributesOf(reached, path);
  const entry = { ...describe(path, stats, packing), xattrs };
  const isDevice = stats.isCharacterDevice() || stats.isBlockDevice();
  if ((stats.isCharacterDevice() && stats.rdev === 0n) || overlay.has('whiteout')) {
    yield* whiteout(`${path.slice(0, path.length - name.length)}.wh.${name}`, entry);
    return;
  }
  const first = stats.nlink > 1n ? packing.linked.get(identity(stats)) : undefined;
  if (first !== undefined) {
    yield* entryBytes({ ...entry, typeflag: '1', linkname: first, xattrs: [] });
    return;
  }
  if (stats.nlink > 1n) packing.linked.set(identity(stats), path);
  if (stats.isSymbolicLink()) {
    const linkname = readlinkSync(toFsPath(reached), { encoding: 'latin1' });
    yield* entryBytes({ ...entry, typeflag: '2', linkname });
  } else if (stats.isFile()) {
    yield* packFile(directory, name, entry);
  } else {
    const typeflag = stats.isFIFO() ? '6' : stats.isBlockDevice() ? '4' : '3';
    const { major, minor } = isDevice ? deviceOf(stats.rdev) : { major: 0, minor: 0 };
    yield* entryBytes({ ...entry, typeflag, devmajor: major, devminor: minor });
  }
}

function* packFile(directory: number, name: string, entry: PackedEntry): Generator<Buffer> {
  const fd = kernel.openat(directory, toPath(name), FILE);
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw changed(entry.name);
    const { size } = stats;
    yield* entryBytes({ ...entry, typeflag: '0', size });
    for (let at = 0; at < size; ) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - at));
      const length = readSync(fd, chunk, 0, chunk.length, at);
      if (length === 0) throw changed(entry.name);
      yield chunk.subarray(0, length);
      at += length;
    }
    yield paddingOf(size);
  } finally {
    closeSync(fd);
  }
}

const changed = (path: string) =>
  new ImageError(showName(path), 'has changed while it was read', {
    remedy: 'stop or freeze the container first',
  });

const identity = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;

function whiteout(name: string, { mtime }: PackedEntry): Iterable<Buffer> {
  return entryBytes({
    ...{ name, mtime, typeflag: '0', linkname: '', size: 0, mode: 0, uid: 0, gid: 0 },
    ...{ devmajor: 0, devminor: 0, xattrs: [] },
  });
}

function describe(name: string, stats: BigIntStats, { mtime, owner }: PackOptions): PackedEntry {
  const second = 1_000_000_000n;
  const nanoseconds = ((stats.mtimeNs % second) + second) % second;
  return {
    name,
    typeflag: '0',
    linkname: '',
    mode: Number(stats.mode) & 0o7777,
    uid: owner?.uid ?? Number(stats.uid),
    gid: owner?.gid ?? Number(stats.gid),
    size: 0,
    mtime:
      mtime === undefined
        ? {
            seconds: Number((stats.mtimeNs - nanoseconds) / second),
            nanoseconds: Number(nanoseconds),
          }
        : { seconds: mtime, nanoseconds: 0 },
    devmajor: 0,
    devminor: 0,
    xattrs: [],
  };
}

/** Those that a layer has, and overlay's own, without their prefix. Throws ImageError. */
function attributesOf(
  reached: string,
  path: string,
): { xattrs: PackedEntry['xattrs']; overlay: Map<string, string> } {
  const xattrs: PackedEntry['xattrs'] = [];
  const overlay = new Map<string, string>();
  const target = toPath(reached);
  for (const name of listXattrs(target)) {
    const own = OVERLAY.exec(name)?.[1];
    if (!own && !isOfLayer(name)) continue;
    const value = getXattr(target, name)?.toString('latin1') ?? '';
    if (own) overlay.set(own, value);
    else xattrs.push([Buffer.from(name).toString('latin1'), value]);
  }
  for (const option of ['redirect', 'metacopy']) {
    if (!overlay.has(option)) continue;
    const what = `has the attribute overlay.${option}: its content is in another layer`;
    throw new ImageError(showName(path), what, {
      remedy: 'mount the overlay with redirect_dir=off and metacopy=off',
    });
  }
  return { xattrs, overlay };
}

/** The two numbers of a device, in glibc's layout. makedev(3) */
function deviceOf(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)),
  };
}
