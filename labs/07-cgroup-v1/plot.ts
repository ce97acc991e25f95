/**
 * Processor time drawn while it is used: a bar for each interval, one line below the other, so that
 * what is live on a terminal is the same text in a file.
 */
import { watchCpus } from '../../lib/cgroups/cpu-use.ts';
import type { CgroupPlan } from '../../lib/cgroups/plan.ts';

const WIDTH = 40;
/** Eighths of a column. */
const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** `value` of `full`, in WIDTH columns. More than there is room for ends in an arrow. */
export function drawBar(value: number, full: number): string {
  const eighths = Math.round((value / full) * WIDTH * 8);
  if (eighths > WIDTH * 8) return `${'█'.repeat(WIDTH - 1)}▶`;
  return '█'.repeat(Math.floor(eighths / 8)) + (PARTS[eighths % 8] ?? '');
}

export interface PlotOptions {
  /** How many processors a full line is. */
  full: number;
  /** So many lines, one each half second. */
  lines: number;
}

const INTERVAL_MS = 500;

/** Shows what `plan` uses from now on. Throws CgroupError where nothing counts it. */
export async function plotCpus(
  plan: CgroupPlan,
  { full, lines }: PlotOptions,
  show: (text: string) => void,
): Promise<void> {
  const mark = full.toFixed(2);
  show(`${'seconds'.padEnd(9)}0${mark.padStart(WIDTH - 1)} cpus`);
  let drawn = 0;
  for await (const cpus of watchCpus(plan, INTERVAL_MS)) {
    const at = ((++drawn * INTERVAL_MS) / 1000).toFixed(1);
    show(`${at.padStart(6)}   ${drawBar(cpus, full).padEnd(WIDTH)} ${cpus.toFixed(3)}`);
    if (drawn === lines) return;
  }
}
