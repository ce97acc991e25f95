/**
 * What a configuration may not put on procfs. An image can ask for volumes, and an engine passes them
 * on: one on /proc or in it would be covered in procfs's place by what masks it, and programs that ask
 * the kernel would be answered by files of the image. Some files are given with other numbers on
 * purpose (lxcfs), and another procfs is as good as ours.
 *
 * CVE-2019-16884, CVE-2019-19921
 */
import { statfsSync } from 'node:fs';
import { OciError } from './oci-error.ts';
import type { Place } from './root-view.ts';
import type { Mount } from './spec.ts';

/** linux/magic.h */
const PROC_SUPER_MAGIC = 0x9fa0;

/** Of /proc: what says how the machine is, and to which nobody writes. */
const ANSWERS: readonly string[] = [
  'cpuinfo',
  'diskstats',
  'loadavg',
  'meminfo',
  'net/dev',
  'slabinfo',
  'stat',
  'swaps',
  'sys/crypto/fips_enabled',
  'sys/kernel/ns_last_pid',
  'uptime',
];

/** `procs` are the places of those before it; this one's is added. Throws OciError. */
export function assertLeavesProc(
  index: number,
  { destination, type }: Mount,
  { place: { path }, source, bind }: { place: Place; source: string; bind: boolean },
  procs: Set<string>,
): void {
  const isProc = bind ? isProcfs(source) : type === 'proc';
  const on = [...procs].find((one) => `${path}/`.startsWith(`${one}/`));
  if (isProc) procs.add(path);
  if (on === undefined || isProc) return;
  const inside = path.slice(on.length + 1);
  if (bind && ANSWERS.includes(inside)) return;
  throw new OciError(
    `mounts[${index}]: ${destination} lies on procfs, which is not to be covered; allowed are a procfs, and binds on ${ANSWERS.join(', ')}`,
  );
}

export function isProcfs(source: string): boolean {
  try {
    return statfsSync(source).type === PROC_SUPER_MAGIC;
  } catch {
    // Where we may not look is nothing of procfs.
    return false;
  }
}
