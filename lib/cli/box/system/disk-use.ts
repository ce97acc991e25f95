/**
 * `box system df`: what images take on the disk, each layer counted once, and how much of it nobody
 * would miss.
 */
import type { Command } from 'commander';
import { chainIds } from '../../../image/chain-id.ts';
import type { ImageRecord, Layer, Store } from '../../../image/store.ts';
import { formatListing } from '../../output/listing.ts';
import { formatSize } from '../../output/units.ts';
import { usageError } from '../box-error.ts';
import { openImages } from '../globals.ts';
import { HEADINGS, rowsOf } from '../image/rows.ts';

export interface DiskUseFlags {
  verbose?: boolean;
  format?: string;
}

const TOTALS = {
  Active: 'ACTIVE',
  Reclaimable: 'RECLAIMABLE',
  Size: 'SIZE',
  TotalCount: 'TOTAL',
  Type: 'TYPE',
};

export async function showDiskUse(
  { verbose = false, format }: DiskUseFlags,
  command: Command,
): Promise<void> {
  if (verbose && format !== undefined) {
    throw usageError('system df: -v has columns of its own; leave --format or -v out');
  }
  const { store } = await openImages(command);
  const images = await store.images();
  const layers = await store.layers();
  if (verbose) {
    process.stdout.write('Images space usage:\n\n');
    process.stdout.write(await verboseTable(store, images, layers));
    return;
  }
  const uses = countUses(images);
  const [used, unused] = [true, false].map((wanted) =>
    layers.filter(({ chainId }) => uses.has(chainId) === wanted),
  );
  const row = (Type: string, count: number, of: readonly Layer[] = []) => {
    const size = of.reduce((sum, layer) => sum + layer.size, 0);
    // Of images that no container has, all can go.
    const share = size > 0 ? ' (100%)' : '';
    return {
      Active: '0',
      Reclaimable: `${formatSize(size, 4)}${share}`,
      Size: formatSize(size, 4),
      TotalCount: String(count),
      Type,
    };
  };
  const rows = [
    row('Images', images.length, used),
    row('Build Cache', unused?.length ?? 0, unused),
  ];
  const shown = ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'];
  process.stdout.write(formatListing(rows, { headings: TOTALS, shown }, format));
}

/** Chain ids, and how many images have each. */
function countUses(images: readonly ImageRecord[]): Map<string, number> {
  const uses = new Map<string, number>();
  for (const { config } of images) {
    for (const chain of new Set(chainIds(config.rootfs.diff_ids))) {
      uses.set(chain, (uses.get(chain) ?? 0) + 1);
    }
  }
  return uses;
}

async function verboseTable(
  store: Store,
  images: readonly ImageRecord[],
  layers: readonly Layer[],
): Promise<string> {
  const uses = countUses(images);
  const sizes = new Map<string, number>(layers.map(({ chainId, size }) => [chainId, size]));
  const rows = await Promise.all(
    images.map(async (image) => {
      const chain = chainIds(image.config.rootfs.diff_ids);
      const own = chain.filter((each) => uses.get(each) === 1);
      const unique = own.reduce((sum, each) => sum + (sizes.get(each) ?? 0), 0);
      const shown = await rowsOf(store, image, { truncate: true, digests: false });
      return shown.map((row) => ({
        ...row,
        Containers: '0',
        SharedSize: formatSize(image.size - unique),
        UniqueSize: formatSize(unique),
      }));
    }),
  );
  const shown = [
    ...['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'],
    ...['SharedSize', 'UniqueSize', 'Containers'],
  ];
  return formatListing(rows.flat(), { headings: HEADINGS, shown });
}
