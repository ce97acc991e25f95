/**
 * `box history`: how an image came to be, the newest step first.
 */
import type { Command } from 'commander';
import { historyOf } from '../../../image/history.ts';
import { formatListing } from '../../output/listing.ts';
import { formatSince, formatSize, shorten, shortId } from '../../output/units.ts';
import { findImage } from '../find-image.ts';
import { openImages } from '../globals.ts';

export interface HistoryFlags {
  trunc: boolean;
  quiet?: boolean;
  human: boolean;
  format?: string;
}

const HEADINGS = {
  Comment: 'COMMENT',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  CreatedSince: 'CREATED',
  ID: 'IMAGE',
  Size: 'SIZE',
};

/** Steps below the topmost are layers of this image, and images of nobody. */
const MISSING = '<missing>';
const WIDTH = 45;

export async function showHistory(
  name: string,
  { trunc, quiet, human, format }: HistoryFlags,
  command: Command,
): Promise<void> {
  const { store } = await openImages(command);
  const image = await findImage(store, name);
  const id = trunc ? shortId(image.id) : image.id;
  const rows = (await historyOf(store, image)).map((row, at) => {
    const createdBy = row.createdBy.replaceAll('\t', ' ').replace('/bin/sh -c #(nop) ', '');
    return {
      Comment: row.comment,
      CreatedAt: row.created ?? 'N/A',
      CreatedBy: trunc ? shorten(createdBy, WIDTH) : createdBy,
      CreatedSince: formatSince(row.created),
      ID: at === 0 ? id : MISSING,
      Size: human ? formatSize(row.size) : String(row.size),
    };
  });
  if (quiet) {
    for (const { ID } of rows) process.stdout.write(`${ID}\n`);
    return;
  }
  const shown = ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'];
  process.stdout.write(formatListing(rows, { headings: HEADINGS, shown }, format));
}
