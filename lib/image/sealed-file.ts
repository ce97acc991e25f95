/**
 * Small records whose name does not say their digest: JSON that has the digest of what it says in
 * itself, so that a flipped bit is noticed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { writeAtomic } from './atomic-file.ts';
import { digestOf } from './digest.ts';
import { ImageError } from './image-error.ts';

/** `{ [key]: value, "Digest": … }`, atomically. */
export function writeSealed(path: string, key: string, value: unknown): void {
  const digest = digestOf(JSON.stringify(value));
  writeAtomic(path, `${JSON.stringify({ [key]: value, Digest: digest }, null, 2)}\n`);
}

/** The value, or null where there is no file. Throws ImageError where it is damaged. */
export function readSealed<T>(path: string, key: string, remedy: string): T | null {
  if (!existsSync(path)) return null;
  try {
    const sealed = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if (digestOf(JSON.stringify(sealed[key])) !== sealed.Digest) {
      throw new Error('its digest is another');
    }
    return sealed[key] as T;
  } catch (cause) {
    const what = `this record is damaged: ${(cause as Error).message}`;
    throw new ImageError(path, what, { cause, remedy });
  }
}
