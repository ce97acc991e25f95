/**
 * The head of an executable. The kernel looks at the first bytes of a file to learn what to do
 * with it: `#!` names an interpreter, `\x7fELF` is followed by program headers, one of which
 * (PT_INTERP) names the loader that has to be there before the program can start.
 *
 * - `readExecutable(path)`: script or ELF, and who interprets it.
 *
 * See execve(2), elf(5).
 */
import { type FileHandle, open } from 'node:fs/promises';
import { RootfsError } from './rootfs-error.ts';

export type Script = { kind: 'script'; interpreter: string };
/** `interpreter` is the loader's path (PT_INTERP); `dynamic` says whether it has a PT_DYNAMIC. */
export type Elf = { kind: 'elf'; interpreter: string | null; dynamic: boolean };

// <elf.h>
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;

/**
 * Reads what kind of executable `path` is.
 * Throws RootfsError if it cannot be read, or is neither a script nor a 64-bit little-endian ELF.
 */
export async function readExecutable(path: string): Promise<Script | Elf> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    throw new RootfsError(path, `${path}: cannot be read: ${(cause as Error).message}`, cause);
  }
  try {
    const head = await readAt(file, 0, 256);
    if (head.toString('latin1', 0, 2) === '#!') {
      const line = head.toString('utf8', 2).split('\n', 1)[0] ?? '';
      return { kind: 'script', interpreter: line.trim() };
    }
    return await readElf(file, head, path);
  } finally {
    await file.close();
  }
}

async function readElf(file: FileHandle, head: Buffer, path: string): Promise<Elf> {
  if (head.length < 64 || head.toString('latin1', 0, 4) !== '\x7fELF') {
    throw new RootfsError(path, `${path}: neither an ELF executable nor a script`);
  }
  if (head[4] !== ELFCLASS64 || head[5] !== ELFDATA2LSB) {
    throw new RootfsError(
      path,
      `${path}: not a 64-bit little-endian ELF; take a 64-bit build of it`,
    );
  }
  const phoff = Number(head.readBigUInt64LE(32));
  const phentsize = head.readUInt16LE(54);
  const phnum = head.readUInt16LE(56);
  const headers = await readAt(file, phoff, phentsize * phnum);
  if (headers.length < phentsize * phnum) {
    throw new RootfsError(path, `${path}: its program headers lie past the end of the file`);
  }
  const elf: Elf = { kind: 'elf', interpreter: null, dynamic: false };
  for (let at = 0; at < headers.length; at += phentsize) {
    const type = headers.readUInt32LE(at);
    if (type === PT_DYNAMIC) elf.dynamic = true;
    if (type === PT_INTERP) {
      const offset = Number(headers.readBigUInt64LE(at + 8));
      const size = Number(headers.readBigUInt64LE(at + 32));
      elf.interpreter = (await readAt(file, offset, size - 1)).toString('utf8');
    }
  }
  return elf;
}

/** Reads up to `size` bytes at `position`; fewer where the file ends. */
async function readAt(file: FileHandle, position: number, size: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, position);
  return buffer.subarray(0, bytesRead);
}
