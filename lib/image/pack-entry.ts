/**
 * One entry of a tar that is written: a ustar header, and before it a pax header for what that has no
 * room for. pax(1)
 */
import { isUtf8 as isUtf8Bytes } from 'node:buffer';
import { BLOCK, encodeHeader, fitsOctal, type TarHeader } from './tar-header.ts';
import { encodePax, encodeTime, type PaxRecord } from './tar-pax.ts';
import { isAscii } from './unpack-names.ts';

/** Names and values are a character for each byte. */
export interface PackedEntry extends Omit<TarHeader, 'mtime'> {
  mtime: { seconds: number; nanoseconds: number };
  xattrs: [name: string, value: string][];
}

/** Two blocks of zeros. */
export const TAR_END = Buffer.alloc(2 * BLOCK);

const NAME = 100;
const ID_DIGITS = 7;
const SIZE_DIGITS = 11;

/** What stands before the content. */
export function* entryBytes(entry: PackedEntry): Generator<Buffer> {
  const records = paxRecords(entry);
  const header = { ...entry, mtime: entry.mtime.seconds };
  if (records.length > 0) {
    const body = encodePax(records);
    yield encodeHeader({
      ...header,
      ...{ name: 'PaxHeaders.0', typeflag: 'x', linkname: '', mode: 0o644 },
      ...{ size: body.length, devmajor: 0, devminor: 0, uid: 0, gid: 0 },
    });
    yield body;
    yield paddingOf(body.length);
  }
  yield encodeHeader(header);
}

/** The zeros after `size` bytes of content. */
export const paddingOf = (size: number): Buffer =>
  TAR_END.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);

function paxRecords(entry: PackedEntry): PaxRecord[] {
  const records: PaxRecord[] = [];
  const { seconds, nanoseconds } = entry.mtime;
  // Else pax says that names are UTF-8.
  if (![entry.name, entry.linkname].every(isUtf8)) records.push(['hdrcharset', 'BINARY']);
  if (!fits(entry.name)) records.push(['path', entry.name]);
  if (!fits(entry.linkname)) records.push(['linkpath', entry.linkname]);
  if (!fitsOctal(entry.size, SIZE_DIGITS)) records.push(['size', String(entry.size)]);
  if (!fitsOctal(entry.uid, ID_DIGITS)) records.push(['uid', String(entry.uid)]);
  if (!fitsOctal(entry.gid, ID_DIGITS)) records.push(['gid', String(entry.gid)]);
  if (nanoseconds !== 0 || !fitsOctal(seconds, SIZE_DIGITS)) {
    records.push(['mtime', encodeTime(seconds, nanoseconds)]);
  }
  for (const [name, value] of entry.xattrs) records.push([`SCHILY.xattr.${name}`, value]);
  return records;
}

const isUtf8 = (name: string) => isUtf8Bytes(Buffer.from(name, 'latin1'));

/** A name that is cut in the header, or that is not ASCII, is said in full. */
const fits = (name: string) => name.length <= NAME && isAscii(name);
