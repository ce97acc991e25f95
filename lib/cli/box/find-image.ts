/**
 * Images by what people type: a name, an id, or the beginning of an id.
 */
import { ImageError } from '../../image/image-error.ts';
import type { ImageRecord, Store } from '../../image/store.ts';
import { BoxError } from './box-error.ts';

/** Throws BoxError where there is none. */
export async function findImage(store: Store, nameOrId: string): Promise<ImageRecord> {
  const found = await store.image(nameOrId);
  if (found) return found;
  throw new BoxError(`${nameOrId}: no such image; see box images, or pull it`);
}

/** Carries on after one that fails, and says so of each. The exit code. */
export async function forEach(
  names: readonly string[],
  work: (name: string) => Promise<void>,
): Promise<number> {
  let code = 0;
  for (const name of names) {
    try {
      await work(name);
    } catch (error) {
      if (!(error instanceof ImageError || error instanceof BoxError)) throw error;
      process.stderr.write(`box: ${error.message}\n`);
      code = 1;
    }
  }
  return code;
}
