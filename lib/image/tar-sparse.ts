/**
 * Sparse files in a tar: only the pieces that are not holes are in the payload, and a map says where
 * they go. GNU tar has written the map in four ways: in the header and blocks after it, as pairs of
 * pax records, as one pax record, and before the payload.
 * GNU tar manual, "Storing Sparse Files"
 */
import { ImageError } from './image-error.ts';
import { decodeNumber } from './tar-header.ts';
import type { PaxRecord } from './tar-pax.ts';

/** Bytes: where in the file the next `length` bytes of the payload go. */
export interface Piece {
  offset: number;
  length: number;
}

/** More than any file system's block map makes of a real file; a map is held in memory. */
const MOST_PIECES = 100_000;

/** The pieces in a GNU header (`size` 4 of them) or in a block after one (21). */
export function decodeGnuPieces(block: Buffer, start: number, most: number): Piece[] {
  const pieces: Piece[] = [];
  for (let i = 0; i < most; i++) {
    const at = start + 24 * i;
    if (block[at] === 0) break;
    pieces.push({ offset: decodeNumber(block, at, 12), length: decodeNumber(block, at + 12, 12) });
  }
  return pieces;
}

export const GNU_HEADER = { pieces: 386, count: 4, extended: 482, realSize: 483 } as const;
export const GNU_EXTENSION = { pieces: 0, count: 21, extended: 504 } as const;

export const gnuRealSize = (block: Buffer): number => decodeNumber(block, GNU_HEADER.realSize, 12);

export interface PaxSparse {
  name: string | undefined;
  realSize: number;
  /** Null where the map stands before the payload. */
  pieces: Piece[] | null;
}

/** Null where the records are of no sparse file. */
export function paxSparse(records: readonly PaxRecord[]): PaxSparse | null {
  const all = new Map(records);
  const major = all.get('GNU.sparse.major');
  const realSize = all.get('GNU.sparse.realsize') ?? all.get('GNU.sparse.size');
  if (realSize === undefined) return null;
  const name = all.get('GNU.sparse.name');
  if (major === '1') return { name, realSize: decimal(realSize), pieces: null };
  const map = all.get('GNU.sparse.map');
  const numbers =
    map !== undefined
      ? map.split(',').filter((number) => number !== '')
      : records
          .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
          .map(([, value]) => value);
  return { name, realSize: decimal(realSize), pieces: inPairs(numbers.map(decimal)) };
}

/**
 * Gathers the map before a payload: decimal numbers, each on a line, the first their pairs' count,
 * filled up to a whole block. Null until the last of its blocks has come. Each byte is looked at once,
 * however long somebody made it.
 */
export function createMapReader(): (block: Buffer) => Piece[] | null {
  const numbers: number[] = [];
  let line = '';
  return (block) => {
    for (const byte of block) {
      if (byte !== NEWLINE) {
        line += String.fromCharCode(byte);
        if (line.length > LONGEST_NUMBER) throw wrong('has a number without end in its map');
        continue;
      }
      numbers.push(decimal(line));
      line = '';
      const [count = 0] = numbers;
      if (count > MOST_PIECES) throw tooMany();
      if (numbers.length === 1 + 2 * count) return inPairs(numbers.slice(1));
    }
    return null;
  };
}

const NEWLINE = 0x0a;
const LONGEST_NUMBER = 20;

/** Throws ImageError for more than a real file has. */
export function checkCount(pieces: readonly Piece[]): void {
  if (pieces.length > MOST_PIECES) throw tooMany();
}

/** Throws ImageError unless the pieces are in order, apart, inside the file and all of the payload. */
export function checkPieces(pieces: readonly Piece[], payload: number, realSize: number): void {
  checkCount(pieces);
  let end = 0;
  let sum = 0;
  for (const { offset, length } of pieces) {
    if (offset < end || offset + length > realSize)
      throw wrong('has pieces that overlap or lie past its end');
    end = offset + length;
    sum += length;
  }
  if (sum !== payload) throw wrong(`has ${sum} bytes in its map and ${payload} in the tar`);
}

function inPairs(numbers: readonly number[]): Piece[] {
  if (numbers.length % 2 !== 0) throw wrong('has half a piece in its map');
  const pieces: Piece[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    pieces.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  }
  return pieces;
}

function decimal(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw wrong(`has ${JSON.stringify(text)} in its map`);
  return value;
}

const wrong = (what: string) => new ImageError('tar', `a sparse file ${what}`);
const tooMany = () => wrong(`has more than ${MOST_PIECES} pieces`);
