/**
 * A disk to read from. io.max wants the numbers of a whole disk, not of a partition.
 * sysfs(5), kernel Documentation/ABI/stable/sysfs-block
 */
import { existsSync } from 'node:fs';
import { orGone, readProcDirectory, readProcFile } from '../../lib/observe/proc-file.ts';

export interface Disk {
  /** In /dev. */
  name: string;
  /** `8:0` */
  number: string;
}

/** Null where none is to be seen. Those that have no device below them are loops and the like. */
export function firstDisk(): Disk | null {
  for (const name of orGone(() => readProcDirectory('/sys/block')) ?? []) {
    const read = (file: string) => orGone(() => readProcFile(`/sys/block/${name}/${file}`))?.trim();
    const number = read('dev');
    const isDisk = existsSync(`/sys/block/${name}/device`) && read('removable') === '0';
    if (number && isDisk && Number(read('size')) > 0 && existsSync(`/dev/${name}`))
      return { name, number };
  }
  return null;
}
