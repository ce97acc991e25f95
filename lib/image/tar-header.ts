/**
 * The 512-byte header of a tar entry, in its dialects: v7, ustar, GNU. Names are *bytes* here, one
 * character for each ('latin1'), because a file's name need not be UTF-8 and a layer has to come out
 * as it went in.
 *
 * Our own and no library's: what they give is text already, and neither the header's bytes, which a
 * layer's record keeps, nor where holes are, nor attributes that are no text.
 *
 * pax(1), "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
import { ImageError } from './image-error.ts';

export const BLOCK = 512;

export interface TarHeader {
  name: string;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of the payload that follows, for the types that have one. */
  size: number;
  /** Seconds. */
  mtime: number;
  /** One character, `0` for a regular file whatever the dialect writes. */
  typeflag: string;
  linkname: string;
  devmajor: number;
  devminor: number;
}

/** Where in the block a field lies: offset and length. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeflag: [156, 1],
  linkname: [157, 100],
  magic: [257, 8],
  devmajor: [329, 8],
  devminor: [337, 8],
  prefix: [345, 155],
} as const;

const USTAR = 'ustar\x0000';

/** Null for a block of zeros. Throws ImageError where the checksum or a number is wrong. */
export function decodeHeader(block: Buffer): TarHeader | null {
  const sums = checksums(block);
  if (sums.unsigned === CHECKSUM_OF_ZEROS && block.every((byte) => byte === 0)) return null;
  const promised = readNumber(block, 'checksum');
  // Some old programs summed signed characters.
  if (promised !== sums.unsigned && promised !== sums.signed) {
    throw damaged('a header’s checksum is wrong');
  }
  const name = readText(block, 'name');
  const prefix = isUstar(block) ? readText(block, 'prefix') : '';
  const typeflag = block[FIELDS.typeflag[0]];
  return {
    name: prefix ? `${prefix}/${name}` : name,
    mode: readNumber(block, 'mode') & 0o7777,
    uid: readNumber(block, 'uid'),
    gid: readNumber(block, 'gid'),
    size: readNumber(block, 'size'),
    mtime: readNumber(block, 'mtime', true),
    typeflag: typeflag ? String.fromCharCode(typeflag) : '0',
    linkname: readText(block, 'linkname'),
    devmajor: readNumber(block, 'devmajor'),
    devminor: readNumber(block, 'devminor'),
  };
}

/**
 * A ustar header. What does not fit, a long name or a large number, is cut or zero: a pax record
 * before it has to say it, see tar-pax.ts.
 */
export function encodeHeader(header: TarHeader): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (field: keyof typeof FIELDS, value: string) =>
    block.write(value, FIELDS[field][0], FIELDS[field][1], 'latin1');
  const number = (field: keyof typeof FIELDS, value: number) => {
    const digits = FIELDS[field][1] - 1;
    const octal = fitsOctal(value, digits) ? value.toString(8) : '0';
    text(field, octal.padStart(digits, '0'));
  };
  text('name', header.name);
  number('mode', header.mode);
  number('uid', header.uid);
  number('gid', header.gid);
  number('size', header.size);
  number('mtime', header.mtime);
  text('typeflag', header.typeflag);
  text('linkname', header.linkname);
  text('magic', USTAR);
  number('devmajor', header.devmajor);
  number('devminor', header.devminor);
  text('checksum', `${checksums(block).unsigned.toString(8).padStart(6, '0')}\0 `);
  return block;
}

export const fitsOctal = (value: number, digits: number): boolean =>
  Number.isInteger(value) && value >= 0 && value < 8 ** digits;

/** Whether the fields after the magic are ustar's; GNU has other things where the prefix is. */
const isUstar = (block: Buffer) => block.toString('latin1', 257, 263) === USTAR.slice(0, 6);

function readText(block: Buffer, field: keyof typeof FIELDS): string {
  const [start, length] = FIELDS[field];
  const end = block.indexOf(0, start);
  return block.toString('latin1', start, end < 0 ? start + length : Math.min(end, start + length));
}

function readNumber(block: Buffer, field: keyof typeof FIELDS, negative = false): number {
  const [start, length] = FIELDS[field];
  return decodeNumber(block, start, length, negative);
}

/** Octal digits among blanks, or with the top bit set a big-endian number. Exported for sparse maps. */
export function decodeNumber(
  block: Buffer,
  start: number,
  length: number,
  negative = false,
): number {
  if ((block[start] ?? 0) & 0x80) return decodeBinary(block, start, length, negative);
  let value = 0;
  let at = start;
  const end = start + length;
  while (at < end && block[at] === 0x20) at++;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  for (; at < end; at++) {
    if (block[at] !== 0 && block[at] !== 0x20) {
      throw damaged(`a header’s number is ${JSON.stringify(block.toString('latin1', start, end))}`);
    }
  }
  return value;
}

function decodeBinary(block: Buffer, start: number, length: number, negative: boolean): number {
  let value = BigInt.asIntN(7, BigInt((block[start] ?? 0) & 0x7f));
  for (let at = start + 1; at < start + length; at++) {
    value = (value << 8n) | BigInt(block[at] ?? 0);
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number) || (number < 0 && !negative)) {
    throw damaged(`a header’s number is ${value}`);
  }
  return number;
}

/** The checksum's own field counts as eight blanks. */
const CHECKSUM_OF_ZEROS = 8 * 0x20;

function checksums(block: Buffer): { unsigned: number; signed: number } {
  let unsigned = CHECKSUM_OF_ZEROS;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i === 148) i = 156;
    const byte = block[i] as number;
    unsigned += byte;
    high += byte >> 7;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

const damaged = (what: string) =>
  new ImageError('tar', what, { remedy: 'this is no tar, or it is damaged' });
