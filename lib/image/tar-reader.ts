/**
 * Reads a tar as its bytes come, and tells apart what is a file's content from all other bytes: the
 * framing. Both go to the visitor, which together has every byte once and in order. That is what
 * makes a layer's record possible (tar-split.ts).
 *
 * Where readers of tars differ it does as Go's archive/tar, by which Docker, containerd and skopeo
 * read: links, directories and devices have no payload whatever their size field says, and a global
 * pax header changes nothing.
 *
 * pax(1); GNU tar manual, "Tar Internals"
 */
import { ImageError } from './image-error.ts';
import { BLOCK, decodeHeader, type TarHeader } from './tar-header.ts';
import { decodePax, decodeTime, type PaxRecord } from './tar-pax.ts';
import {
  checkCount,
  checkPieces,
  createMapReader,
  decodeGnuPieces,
  GNU_EXTENSION,
  GNU_HEADER,
  gnuRealSize,
  type Piece,
  paxSparse,
} from './tar-sparse.ts';

export type EntryType =
  | 'file'
  | 'link'
  | 'symlink'
  | 'character device'
  | 'block device'
  | 'directory'
  | 'fifo';

/** Names are a character for each byte ('latin1'), as they stand in the tar. */
export interface TarEntry {
  type: EntryType;
  name: string;
  linkname: string;
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970, and nanoseconds of zero or more. */
  mtime: { seconds: number; nanoseconds: number };
  devmajor: number;
  devminor: number;
  /** Bytes of payload that follow. */
  size: number;
  /** Bytes of the file, with its holes. */
  realSize: number;
  /** Where the payload goes, null for a file without holes. */
  pieces: Piece[] | null;
  /** Values a character for each byte. */
  xattrs: [name: string, value: string][];
}

export interface TarVisitor {
  /** Bytes that are no file's content. Valid during the call only. */
  framing(bytes: Buffer): void;
  entry(entry: TarEntry): void;
  /** Content of the entry that was told last. Valid during the call only. */
  content(bytes: Buffer): void;
  /** All of its content has come, also where there is none. */
  entryEnd(): void;
}

export interface TarReader {
  /** Throws ImageError, and whatever the visitor throws. */
  push(chunk: Buffer): void;
  /** The bytes have ended. Throws ImageError in the middle of an entry. */
  end(): void;
}

const TYPES: Record<string, EntryType> = {
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character device',
  '4': 'block device',
  '5': 'directory',
  '6': 'fifo',
};

/** As Go's reader: names and records past this are nobody's. */
const LONGEST_META = 1 << 20;
const XATTR = 'SCHILY.xattr.';

/** What headers before the entry's own have said of it. */
interface Said {
  pax: PaxRecord[];
  name?: string;
  linkname?: string;
}

export function createTarReader(visitor: TarVisitor): TarReader {
  /** Who gets the next whole block; the payload and its filling are not looked at in blocks. */
  let next: (block: Buffer) => void = header;
  let partial = Buffer.alloc(0);
  let payload = 0;
  let filling = 0;
  let zeros = 0;
  let ended = false;
  let said: Said = { pax: [] };

  function push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      const left = chunk.length - at;
      if (ended) {
        visitor.framing(at === 0 ? chunk : chunk.subarray(at));
        return;
      }
      if (payload > 0) {
        const length = Math.min(payload, left);
        visitor.content(chunk.subarray(at, at + length));
        payload -= length;
        at += length;
        if (payload === 0) visitor.entryEnd();
      } else if (filling > 0) {
        const length = Math.min(filling, left);
        visitor.framing(chunk.subarray(at, at + length));
        filling -= length;
        at += length;
      } else if (partial.length === 0 && left >= BLOCK) {
        block(chunk.subarray(at, at + BLOCK));
        at += BLOCK;
      } else {
        const length = Math.min(BLOCK - partial.length, left);
        partial = Buffer.concat([partial, chunk.subarray(at, at + length)]);
        at += length;
        if (partial.length === BLOCK) {
          const whole = partial;
          partial = Buffer.alloc(0);
          block(whole);
        }
      }
    }
  }

  function block(bytes: Buffer): void {
    visitor.framing(bytes);
    next(bytes);
  }

  function end(): void {
    if (partial.length > 0) visitor.framing(partial);
    const whole = payload === 0 && partial.length === 0 && next === header && said.pax.length === 0;
    // Go's reader also takes a tar that ends without its two blocks of zeros, or without filling.
    if (!whole && !ended) throw new ImageError('tar', 'it ends in the middle of an entry');
  }

  function header(bytes: Buffer): void {
    const found = decodeHeader(bytes);
    if (found === null) {
      zeros++;
      ended = zeros === 2;
      return;
    }
    if (zeros > 0) throw new ImageError('tar', 'an entry follows a block of zeros');
    switch (found.typeflag) {
      case 'x':
      case 'X':
        collect(found, (body) => said.pax.push(...decodePax(body)));
        return;
      case 'g':
        collect(found, (body) => void decodePax(body));
        return;
      case 'L':
        collect(found, (body) => {
          said.name = untilNul(body);
        });
        return;
      case 'K':
        collect(found, (body) => {
          said.linkname = untilNul(body);
        });
        return;
    }
    const about = said;
    said = { pax: [] };
    if (found.typeflag === 'S') gnuSparse(found, about, bytes);
    else begin(found, about);
  }

  /** Gathers the payload of a header that is about the next entry. */
  function collect({ size }: TarHeader, done: (body: Buffer) => void): void {
    if (size > LONGEST_META) {
      throw new ImageError('tar', `an extended header is ${size} bytes long`);
    }
    const body: Buffer[] = [];
    let left = size;
    const take = (bytes: Buffer) => {
      body.push(Buffer.from(bytes.subarray(0, Math.min(left, BLOCK))));
      left -= BLOCK;
      if (left > 0) return;
      next = header;
      done(Buffer.concat(body));
    };
    if (size === 0) done(Buffer.alloc(0));
    else next = take;
  }

  /** The oldest form: pieces in the header, and in blocks after it while their last byte says so. */
  function gnuSparse(found: TarHeader, about: Said, bytes: Buffer): void {
    const realSize = gnuRealSize(bytes);
    const pieces = decodeGnuPieces(bytes, GNU_HEADER.pieces, GNU_HEADER.count);
    if (bytes[GNU_HEADER.extended] === 0) {
      begin(found, about, { realSize, pieces });
      return;
    }
    next = (extension) => {
      pieces.push(...decodeGnuPieces(extension, GNU_EXTENSION.pieces, GNU_EXTENSION.count));
      // Here, so that a tar of nothing but maps has an end.
      checkCount(pieces);
      if (extension[GNU_EXTENSION.extended] !== 0) return;
      next = header;
      begin(found, about, { realSize, pieces });
    };
  }

  function begin(
    found: TarHeader,
    about: Said,
    sparse: { realSize: number; pieces: Piece[] } | null = null,
  ): void {
    const entry = describe(found, about);
    if (sparse) {
      checkPieces(sparse.pieces, entry.size, sparse.realSize);
      Object.assign(entry, sparse);
    }
    const pax = entry.type === 'file' ? paxSparse(about.pax) : null;
    if (!pax) {
      tell(entry);
      return;
    }
    entry.name = pax.name ?? entry.name;
    entry.realSize = pax.realSize;
    if (pax.pieces) {
      checkPieces(pax.pieces, entry.size, pax.realSize);
      entry.pieces = pax.pieces;
      tell(entry);
      return;
    }
    const readMap = createMapReader();
    next = (bytes) => {
      const pieces = entry.size > 0 ? readMap(bytes) : null;
      entry.size -= BLOCK;
      if (!pieces && entry.size <= 0)
        throw new ImageError('tar', 'the map of a sparse file has no end');
      if (!pieces) return;
      next = header;
      entry.pieces = pieces;
      checkPieces(pieces, entry.size, entry.realSize);
      tell(entry);
    };
  }

  function tell(entry: TarEntry): void {
    payload = entry.size;
    filling = (BLOCK - (payload % BLOCK)) % BLOCK;
    visitor.entry(entry);
    if (payload === 0) visitor.entryEnd();
  }

  return { push, end };
}

function describe(found: TarHeader, about: Said): TarEntry {
  const type = TYPES[found.typeflag];
  if (!type) {
    const name = JSON.stringify(found.name);
    throw new ImageError(
      'tar',
      `${name} is of type ${JSON.stringify(found.typeflag)}, unknown here`,
    );
  }
  const entry: TarEntry = {
    type,
    name: about.name ?? found.name,
    linkname: about.linkname ?? found.linkname,
    mode: found.mode,
    uid: found.uid,
    gid: found.gid,
    mtime: { seconds: found.mtime, nanoseconds: 0 },
    devmajor: found.devmajor,
    devminor: found.devminor,
    size: found.size,
    realSize: 0,
    pieces: null,
    xattrs: [],
  };
  for (const [keyword, value] of about.pax) applyRecord(entry, keyword, value);
  if (type !== 'file') entry.size = 0;
  entry.realSize = entry.size;
  // Before ustar a directory was a file whose name ends so.
  if (type === 'file' && entry.name.endsWith('/')) entry.type = 'directory';
  return entry;
}

function applyRecord(entry: TarEntry, keyword: string, value: string): void {
  // An empty value takes back what was said before; the header's own then holds.
  if (keyword.startsWith(XATTR)) entry.xattrs.push([keyword.slice(XATTR.length), value]);
  else if (value === '') return;
  else if (keyword === 'path') entry.name = value;
  else if (keyword === 'linkpath') entry.linkname = value;
  else if (keyword === 'size') entry.size = decimal(keyword, value);
  else if (keyword === 'uid') entry.uid = decimal(keyword, value);
  else if (keyword === 'gid') entry.gid = decimal(keyword, value);
  else if (keyword === 'mtime') entry.mtime = decodeTime(value);
}

function decimal(keyword: string, value: string): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw new ImageError('tar', `a pax header has ${JSON.stringify(value)} for ${keyword}`);
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString('latin1', 0, end < 0 ? body.length : end);
}
