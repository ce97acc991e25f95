/**
 * Images drawn as the layers that they are made of: a row for each layer, the topmost first, a column
 * for each image. A layer that several of them have is on the disk once and has one row.
 *
 *     layer                          size      base   hello   files
 *     COPY a /                        4 B       ·      ·       ●
 *     RUN /bin/sh -c echo …          12 B       ·      ●       ·
 *     programs of this machine    14.3 MB       ●      ●       ●
 *     on the disk 14.3 MB, told apart 42.9 MB
 */
import { type HistoryRow, historyOf } from './history.ts';
import type { ImageRecord, Store } from './store.ts';

export interface StackOptions {
  /** In characters, of the first column. Default 40. */
  width?: number;
}

/** `images` by the word that stands above their column. Throws ImageError. */
export async function drawStacks(
  store: Store,
  images: Readonly<Record<string, ImageRecord>>,
  { width = 40 }: StackOptions = {},
): Promise<string> {
  const stacks = await Promise.all(
    Object.values(images).map(async (image) =>
      (await historyOf(store, image)).filter(({ layer }) => layer !== null),
    ),
  );
  const rows = sortLayers(stacks);
  const names = Object.keys(images);
  const line = (first: string, size: string, cells: readonly string[]) =>
    `${first.padEnd(width)}${size.padStart(9)}   ${cells
      .map((cell, index) => cell.padEnd((names[index]?.length ?? 0) + 3))
      .join('')}`.trimEnd();
  const has = (stack: readonly HistoryRow[], row: HistoryRow) =>
    stack.some(({ layer }) => layer?.chainId === row.layer?.chainId);
  const once = rows.reduce((sum, { size }) => sum + size, 0);
  const apart = stacks.flat().reduce((sum, { size }) => sum + size, 0);
  return [
    line('layer', 'size', names),
    ...rows.map((row) =>
      line(
        shorten(row.createdBy || row.comment, width - 2),
        formatBytes(row.size),
        stacks.map((stack) => (has(stack, row) ? '●' : '·')),
      ),
    ),
    `on the disk ${formatBytes(once)}; each image for itself would be ${formatBytes(apart)}`,
  ].join('\n');
}

/** Each layer once; those with most below them first, so that none stands under its own base. */
function sortLayers(stacks: readonly (readonly HistoryRow[])[]): HistoryRow[] {
  const placed = new Map<string, { row: HistoryRow; depth: number; order: number }>();
  for (const stack of stacks) {
    for (const [index, row] of stack.entries()) {
      const id = row.layer?.chainId ?? '';
      const depth = stack.length - index;
      if (!placed.has(id)) placed.set(id, { row, depth, order: placed.size });
    }
  }
  return [...placed.values()]
    .sort((a, b) => b.depth - a.depth || b.order - a.order)
    .map(({ row }) => row);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** In powers of 1000, as Docker shows sizes. */
export function formatBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 100 ? 1 : 0)} ${UNITS[power]}`;
}

const shorten = (text: string, width: number) =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;
