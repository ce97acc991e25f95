/**
 * An image of the store by what people call it: `alpine` for `docker.io/library/alpine:latest`, or an
 * id or its beginning.
 */
import { isDigest } from '../digest.ts';
import { ImageError } from '../image-error.ts';
import { formatReference, parseReference } from '../reference.ts';
import type { ImageRecord, Store } from '../store.ts';

/** A name comes before an id that begins so. Null when there is none; throws ImageError. */
export async function findImage(store: Store, text: string): Promise<ImageRecord | null> {
  const name = isDigest(text) ? null : nameOf(text);
  const named = name === null ? null : await store.image(name);
  return named ?? store.image(text);
}

function nameOf(text: string): string | null {
  try {
    return formatReference(parseReference(text));
  } catch (error) {
    // A whole id, for one, is no name.
    if (error instanceof ImageError) return null;
    throw error;
  }
}
