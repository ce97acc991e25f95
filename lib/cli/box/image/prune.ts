/**
 * `box image prune`: images without a name, with -a all of them, and layers that no image needs.
 */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { ImageRecord } from '../../../image/store.ts';
import { formatSize } from '../../output/units.ts';
import { usageError } from '../box-error.ts';
import { type Filters, hasLabel, readBoolean, readFilters, readMoment } from '../filters.ts';
import { openImages } from '../globals.ts';
import { timeOf } from './list.ts';
import { printDeleted, shortName } from './remove.ts';

export interface PruneFlags {
  all?: boolean;
  force?: boolean;
  filter: string[];
}

const FILTERS = ['dangling', 'until', 'label', 'label!'];

export async function pruneImages(flags: PruneFlags, command: Command): Promise<void> {
  const filters = readFilters(flags.filter, FILTERS);
  const all = (flags.all ?? false) || readBoolean(filters, 'dangling') === false;
  const fits = readPrune(filters);
  if (!flags.force && !(await confirm(all))) return;
  const { store } = await openImages(command);
  const images = await store.images();
  const wanted = images.filter((image) => fits(image) && (all || image.names.length === 0));
  process.stdout.write(wanted.length > 0 ? 'Deleted Images:\n' : '');
  for (const name of wanted.flatMap(({ names }) => names)) {
    await store.untag(name);
    process.stdout.write(`untagged: ${shortName(name)}\n`);
  }
  const kept = images.filter((image) => !wanted.includes(image));
  const garbage = await store.collectGarbage({ keep: kept.map(({ id }) => id) });
  printDeleted(garbage, 'deleted');
  const gap = wanted.length > 0 ? '\n' : '';
  process.stdout.write(`${gap}Total reclaimed space: ${formatSize(garbage.bytes)}\n`);
}

/** Throws BoxError for a time that is none. */
function readPrune(filters: Filters): (image: ImageRecord) => boolean {
  const moments = (filters.get('until') ?? []).map((text) => readMoment(text));
  return (image) => {
    const labels = image.config.config?.Labels ?? {};
    return (
      moments.every((moment) => timeOf(image) < moment) &&
      (filters.get('label') ?? []).every((label) => hasLabel(labels, label)) &&
      !(filters.get('label!') ?? []).some((label) => hasLabel(labels, label))
    );
  };
}

async function confirm(all: boolean): Promise<boolean> {
  if (!process.stdin.isTTY) throw usageError('image prune: nobody can be asked here; say -f');
  const what = all ? 'all images' : 'all images without a name';
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asking.question(
    `WARNING! This will remove ${what}.\nAre you sure you want to continue? [y/N] `,
  );
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}
