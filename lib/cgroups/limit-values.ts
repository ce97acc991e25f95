/**
 * What a limit’s number may be, for both versions. Each function gives the text for the kernel or
 * throws CgroupError.
 */
import { CgroupError } from './cgroup-error.ts';
import { formatCpuList, parseCpuList } from './cpu-list.ts';
import type { IoMax } from './limits.ts';

/** Memory is counted in pages: the kernel rounds down, and so must whoever compares. */
const PAGE = 4096;

export const reject = (controller: string, why: string): never => {
  throw new CgroupError([{ controller, why }]);
};

/** Of both versions, where the files of that limit are absent. */
export const SWAP_UNCOUNTED =
  'this kernel does not account swap; boot it with swapaccount=1, or turn swap off and ask for no limit of it';

/** A whole number between two others. */
export function within(
  controller: string,
  what: string,
  value: number,
  least: number,
  most: number,
): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  return reject(controller, `${what} is ${value}: a whole number from ${least} to ${most}`);
}

/** A whole number that is not too small. */
export function atLeast(controller: string, what: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  return reject(controller, `${what} is ${value}: a whole number, ${least} or more`);
}

export const bytes = (controller: string, what: string, value: number, unit = PAGE): string =>
  String(Math.floor(atLeast(controller, what, value, 0) / unit) * unit);

/** As the kernel prints it; all of it has to be among what there is. */
export function cpuList(what: 'cpus' | 'mems', text: string, there: string): string {
  let numbers: number[] = [];
  try {
    numbers = parseCpuList(text);
  } catch (error) {
    reject('cpuset', `${what}: ${(error as Error).message}`);
  }
  const known = parseCpuList(there);
  const absent = numbers.filter((number) => !known.includes(number));
  if (absent.length > 0) {
    reject('cpuset', `${what} ${formatCpuList(absent)}: this machine has ${there}`);
  }
  if (numbers.length === 0) reject('cpuset', `${what} is empty`);
  return formatCpuList(numbers);
}

export const IO_KEYS = ['rbps', 'wbps', 'riops', 'wiops'] as const;

/** The limits that are set, in the kernel’s order. */
export function ioEntries(controller: string, max: IoMax): [(typeof IO_KEYS)[number], number][] {
  if (!/^\d+:\d+$/.test(max.device)) {
    reject(controller, `device ${JSON.stringify(max.device)} is not MAJOR:MINOR, as 8:0`);
  }
  return IO_KEYS.flatMap((key): [(typeof IO_KEYS)[number], number][] => {
    const value = max[key];
    return value === undefined ? [] : [[key, atLeast(controller, key, value, 1)]];
  });
}

/** Bytes of a huge page size by its name: 2MB, 1GB, 64KB. */
export function hugePageSize(name: string): number {
  const [, number = '', unit = ''] = /^(\d+)(KB|MB|GB)$/.exec(name) ?? [];
  if (number === '') reject('hugetlb', `${JSON.stringify(name)} is no page size like 2MB`);
  return Number(number) * 1024 ** (['KB', 'MB', 'GB'].indexOf(unit) + 1);
}
