/**
 * A layer's tar written again from its record and its files. The content of each file is compared
 * with the checksum of its record, and the whole with the diffID, so what comes out is the tar that
 * went in or an error.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { kernel } from '../kernel/call.ts';
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_SYMLINKS,
} from '../kernel/constants.ts';
import { encodeOpenHow } from '../kernel/structs.ts';
import { ImageError } from './image-error.ts';
import type { Digest } from './spec.ts';
import { readSplit, type SplitFile } from './tar-split.ts';
import { showName, toPath } from './unpack-names.ts';

export interface LayerFiles {
  diffId: Digest;
  /** The record, `tar-split.json.gz`. */
  record: string;
  diff: string;
  /** Where contents are that the tar has and `diff` has not; need not be there. */
  aside: string;
}

const CHUNK = 256 * 1024;
// Not blocking: where a file was, a FIFO may be now.
const FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
const STRAIGHT = encodeOpenHow({ flags: FLAGS, resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS });
const REMEDY = 'remove the image and pull it again';

/**
 * The tar's bytes in order. `onDamage` is told of a file that is not as it was, which otherwise is
 * thrown; zeros stand in for what is missing. Throws ImageError.
 */
export async function* writeLayerTar(
  files: LayerFiles,
  onDamage?: (path: string, problem: string) => void,
): AsyncGenerator<Buffer> {
  const diff = openSync(files.diff, O_PATH | O_DIRECTORY | O_CLOEXEC);
  const aside = existsSync(files.aside) ? files.aside : null;
  const hash = createHash('sha256');
  const damaged = (path: string, problem: string) => {
    if (!onDamage) throw new ImageError(path, problem, { remedy: REMEDY });
    onDamage(path, problem);
  };
  try {
    let out = Buffer.allocUnsafe(CHUNK);
    let used = 0;
    const full = () => {
      const chunk = out.subarray(0, used);
      hash.update(chunk);
      out = Buffer.allocUnsafe(CHUNK);
      used = 0;
      return chunk;
    };
    for await (const record of readSplit(files.record)) {
      if (record.type === 'segment') {
        for (let at = 0; at < record.bytes.length; ) {
          const copied = record.bytes.copy(out, used, at);
          used += copied;
          at += copied;
          if (used === CHUNK) yield full();
        }
      } else if (record.size > 0) {
        const path = placeOfContent(files, aside, record);
        const content = openContent(diff, aside, record, (problem) => damaged(path, problem));
        let sum = 0;
        try {
          for (let left = record.size; left > 0; ) {
            const length = Math.min(left, CHUNK - used);
            content.read(out, used, length);
            sum = crc32(out.subarray(used, used + length), sum);
            used += length;
            left -= length;
            if (used === CHUNK) yield full();
          }
        } finally {
          content.close();
        }
        if (sum !== record.crc32) damaged(path, 'its content has changed');
      }
    }
    if (used > 0) yield full();
    const digest = `sha256:${hash.digest('hex')}`;
    if (digest !== files.diffId) {
      damaged(files.record, `with the files it gives ${digest} and not ${files.diffId}`);
    }
  } finally {
    closeSync(diff);
  }
}

function placeOfContent(files: LayerFiles, aside: string | null, record: SplitFile): string {
  if (aside && existsSync(join(aside, String(record.position)))) {
    return join(aside, String(record.position));
  }
  return join(files.diff, JSON.parse(showName(record.name)) as string);
}

interface Content {
  /** Always all of `length`; what is not there is zeros. */
  read(into: Buffer, at: number, length: number): void;
  close(): void;
}

function openContent(
  diff: number,
  aside: string | null,
  { name, position, size, pieces }: SplitFile,
  damaged: (problem: string) => void,
): Content {
  let fd = -1;
  try {
    const kept = aside && join(aside, String(position));
    fd =
      kept && existsSync(kept)
        ? openSync(kept, FLAGS)
        : kernel.openat2(diff, toPath(name), STRAIGHT);
    const stats = fstatSync(fd);
    const length = pieces ? null : stats.size;
    if (!stats.isFile()) damaged('it is no regular file any more');
    else if (length !== null && length !== size) damaged(`it has ${length} bytes, not ${size}`);
  } catch (error) {
    if (error instanceof ImageError) throw error;
    damaged(`it cannot be read: ${(error as Error).message}`);
  }
  const ranges = pieces ?? [{ offset: 0, length: size }];
  let range = 0;
  let within = 0;
  return {
    read(into, at, length) {
      for (let end = at + length; at < end; ) {
        const { offset, length: whole } = ranges[range] as (typeof ranges)[number];
        if (within === whole) {
          range++;
          within = 0;
          continue;
        }
        const wanted = Math.min(end - at, whole - within);
        const got = fd < 0 ? 0 : readSync(fd, into, at, wanted, offset + within);
        if (got === 0) into.fill(0, at, at + wanted);
        at += got || wanted;
        within += got || wanted;
      }
    },
    close() {
      if (fd >= 0) closeSync(fd);
    },
  };
}
