/**
 * An archive as a directory. Each file is whole as soon as it has its name.
 */
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ArchiveWriter, writeMeasured } from './archive-writer.ts';

/** Makes `directory`. */
export async function openDirectoryWriter(directory: string): Promise<ArchiveWriter> {
  await mkdir(directory, { recursive: true });
  const drafts = await mkdtemp(join(directory, '.draft-'));
  const draft = join(drafts, 'file');
  const give = async (name: string) => {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await chmod(draft, 0o644);
    await rename(draft, path);
  };
  return {
    async put(name, content) {
      await writeFile(draft, content);
      await give(name);
    },
    async putStream(content, nameOf) {
      const written = await writeMeasured(content, draft);
      await give(nameOf(written));
      return written;
    },
    finish: async () => undefined,
    [Symbol.asyncDispose]: () => rm(drafts, { recursive: true, force: true }),
  };
}
