/**
 * Tars made field by field, also such as no program writes.
 */
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { BLOCK, encodeHeader, type TarHeader } from './tar-header.ts';
import { encodePax, type PaxRecord } from './tar-pax.ts';

export interface Part extends Partial<TarHeader> {
  name: string;
  content?: string | Buffer;
  pax?: PaxRecord[];
  /** Changes the header's bytes; its checksum is then made right again. */
  bend?: (header: Buffer) => void;
}

export const MTIME = 1_600_000_000;

/** One entry: pax header where there is one, header, content, filling. */
export function entry({ content = '', pax, bend, ...header }: Part): Buffer {
  const bytes = Buffer.from(content);
  const block = encodeHeader({
    ...{ mode: 0o644, uid: 0, gid: 0, size: bytes.length, mtime: MTIME, typeflag: '0' },
    ...{ linkname: '', devmajor: 0, devminor: 0 },
    ...header,
  });
  if (bend) {
    bend(block);
    seal(block);
  }
  const before = pax ? [entry({ name: 'pax', typeflag: 'x', content: encodePax(pax) })] : [];
  const filling = Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK);
  return Buffer.concat([...before, block, bytes, filling]);
}

/** Makes the checksum right. */
export function seal(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}

export const END = Buffer.alloc(2 * BLOCK);

export const tar = (...parts: (Part | Buffer)[]): Buffer =>
  Buffer.concat([...parts.map((part) => (Buffer.isBuffer(part) ? part : entry(part))), END]);

export const directory = (name: string, more: Partial<Part> = {}): Part => ({
  name,
  typeflag: '5',
  mode: 0o755,
  ...more,
});

export const symlink = (name: string, linkname: string, more: Partial<Part> = {}): Part => ({
  name,
  typeflag: '2',
  mode: 0o777,
  linkname,
  ...more,
});

export const link = (name: string, linkname: string): Part => ({ name, typeflag: '1', linkname });

/** In pieces of `size` bytes. */
export function inPieces(bytes: Buffer, size = 64 * 1024): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return Readable.from(pieces, { objectMode: false });
}

/** Runs a program and returns its output; throws with what it said where it fails. */
export function run(argv: string[], options: { cwd?: string; input?: Buffer } = {}): Buffer {
  const [name = '', ...rest] = argv;
  const ran = spawnSync(name, rest, {
    ...options,
    maxBuffer: 1 << 30,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (ran.status !== 0) throw new Error(`${argv.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}
