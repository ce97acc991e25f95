/**
 * Digests: content is named by its SHA-256, so a name can be checked by whoever has the content.
 * OCI image-spec, descriptor.md, "Digests"
 */
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';
import { ImageError } from './image-error.ts';
import type { Digest } from './spec.ts';

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether it is a whole, lower-case sha256 digest, and so also safe as part of a path. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** Throws ImageError for anything but a whole sha256 digest; `where` is the document it stood in. */
export function parseDigest(text: unknown, where: string): Digest {
  if (isDigest(text)) return text;
  throw new ImageError(where, `${JSON.stringify(text)} is no sha256 digest`);
}

export function digestOf(content: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** The 64 hexadecimal digits, which is what files are called. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

/**
 * Passes bytes on and ends with an ImageError unless they were `size` bytes with that digest. As
 * soon as one byte too many comes it stops, so that nobody is fed without end.
 */
export function verifying(
  expected: { digest: Digest; size?: number },
  where: string = expected.digest,
): Transform {
  const hash = createHash('sha256');
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (expected.size !== undefined && bytes > expected.size) {
        done(new ImageError(where, `is longer than the ${expected.size} bytes that were promised`));
        return;
      }
      hash.update(chunk);
      done(null, chunk);
    },
    flush(done) {
      done(mismatch(expected, { digest: `sha256:${hash.digest('hex')}`, size: bytes }, where));
    },
  });
}

/** Null when they agree. */
export function mismatch(
  expected: { digest: Digest; size?: number },
  got: { digest: Digest; size: number },
  where: string = expected.digest,
): ImageError | null {
  const remedy = 'fetch it again';
  if (expected.size !== undefined && got.size !== expected.size) {
    const what = `is ${got.size} bytes long where ${expected.size} were promised`;
    return new ImageError(where, what, { remedy });
  }
  if (got.digest === expected.digest) return null;
  return new ImageError(where, `its content has the digest ${got.digest}`, { remedy });
}
