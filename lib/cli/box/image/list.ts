/**
 * `box images`: what there is, the newest first.
 */
import type { Command } from 'commander';
import { globToRegExp } from '../../../image/build/glob.ts';
import type { ImageRecord, Store } from '../../../image/store.ts';
import { formatListing } from '../../output/listing.ts';
import { usageError } from '../box-error.ts';
import { type Filters, hasLabel, readBoolean, readFilters } from '../filters.ts';
import { findImage } from '../find-image.ts';
import { openImages } from '../globals.ts';
import { HEADINGS, readName, rowsOf } from './rows.ts';

export interface ListFlags {
  quiet?: boolean;
  trunc: boolean;
  digests?: boolean;
  filter: string[];
  format?: string;
}

const FILTERS = ['dangling', 'reference', 'label', 'before', 'since'];

export async function listImages(
  pattern: string | undefined,
  { quiet, trunc, digests = false, filter, format }: ListFlags,
  command: Command,
): Promise<void> {
  const given = [...filter, ...(pattern === undefined ? [] : [`reference=${pattern}`])];
  const filters = readFilters(given, FILTERS);
  const { store } = await openImages(command);
  const images = (await filterImages(store, filters)).sort(
    (a, b) => timeOf(b) - timeOf(a) || (a.id < b.id ? -1 : 1),
  );
  const wantsDigest = digests || (format !== undefined && format !== 'table');
  const options = { truncate: trunc, digests: wantsDigest };
  const rows = (await Promise.all(images.map((image) => rowsOf(store, image, options)))).flat();
  if (quiet) {
    for (const { ID } of rows) process.stdout.write(`${ID}\n`);
    return;
  }
  const shown = ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'];
  process.stdout.write(formatListing(rows, { headings: HEADINGS, shown }, format));
}

/** Milliseconds; what has no time is the oldest. */
export const timeOf = ({ created }: ImageRecord): number => Date.parse(created ?? '') || 0;

/** An image of which only some names fit has only those. Throws BoxError. */
async function filterImages(store: Store, filters: Filters): Promise<ImageRecord[]> {
  const dangling = readBoolean(filters, 'dangling');
  const patterns = (filters.get('reference') ?? []).map(readPattern);
  const labels = filters.get('label') ?? [];
  const [before, since] = await Promise.all(
    ['before', 'since'].map((name) =>
      Promise.all((filters.get(name) ?? []).map((other) => findImage(store, other))),
    ),
  );
  return (await store.images()).flatMap((image) => {
    const has = image.config.config?.Labels ?? {};
    const names =
      patterns.length === 0
        ? image.names
        : image.names.filter((name) => patterns.some((fits) => fits(name)));
    const fits =
      (dangling === null || dangling === (image.names.length === 0)) &&
      (patterns.length === 0 || names.length > 0) &&
      labels.every((label) => hasLabel(has, label)) &&
      (before ?? []).every((other) => timeOf(image) < timeOf(other)) &&
      (since ?? []).every((other) => timeOf(image) > timeOf(other));
    return fits ? [{ ...image, names }] : [];
  });
}

/** Of the name as people write it, with its tag or without. */
function readPattern(pattern: string): (name: string) => boolean {
  try {
    const expression = globToRegExp(pattern);
    return (full) => {
      const { repository, tag, digest } = readName(full);
      const whole = tag === null ? `${repository}@${digest}` : `${repository}:${tag}`;
      return expression.test(repository) || expression.test(whole);
    };
  } catch (cause) {
    if (cause instanceof SyntaxError) throw usageError(`reference=${cause.message}`);
    throw cause;
  }
}
