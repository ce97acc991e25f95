/**
 * An archive as a tar. A header has the size of what follows, so content of unknown size is written
 * to a temporary file first, one at a time. pax(1), "ustar Interchange Format"
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import { BLOCK, encodeHeader } from '../tar-header.ts';
import { type ArchiveWriter, writeMeasured } from './archive-writer.ts';

const DIRECTORY = '5';
const FILE = '0';

/** `output` is not ended. */
export async function openTarWriter(output: Writable): Promise<ArchiveWriter> {
  const drafts = await mkdtemp(join(tmpdir(), 'unboxed-save-'));
  const directories = new Set<string>();
  const fail = { error: null as Error | null };
  const failed = (error: Error) => {
    fail.error = error;
  };
  output.on('error', failed);

  async function send(bytes: Buffer): Promise<void> {
    if (fail.error) throw fail.error;
    if (!output.write(bytes)) await once(output, 'drain');
  }
  async function put(name: string, size: number, content: AsyncIterable<Buffer> | Buffer[]) {
    const parent = dirname(name);
    if (parent !== '.' && !directories.has(parent)) {
      directories.add(parent);
      await send(headerOf(`${parent}/`, 0, DIRECTORY));
    }
    await send(headerOf(name, size, FILE));
    for await (const part of content) await send(part);
    await send(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }

  return {
    put: (name, content) => put(name, content.length, [content]),
    async putStream(content, nameOf) {
      const draft = join(drafts, 'content');
      const written = await writeMeasured(content, draft);
      await put(nameOf(written), written.size, createReadStream(draft));
      return written;
    },
    finish: () => send(Buffer.alloc(2 * BLOCK)),
    async [Symbol.asyncDispose]() {
      output.off('error', failed);
      await rm(drafts, { recursive: true, force: true });
    },
  };
}

/** The same images give the same archive: no entry has a time or an owner. */
const headerOf = (name: string, size: number, typeflag: string) =>
  encodeHeader({
    name,
    size,
    typeflag,
    mode: typeflag === DIRECTORY ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    linkname: '',
    devmajor: 0,
    devminor: 0,
  });
