/**
 * The shapes of text that cgroup files have. cgroup-v2.rst, "Format"
 */
import { join } from 'node:path';
import { orGone, readProcFile } from '../observe/proc-file.ts';

/** Null where this kernel, or this version, has no such file, or the cgroup is gone. */
export function readCgroupFile(directory: string, file: string): string | null {
  return orGone(() => readProcFile(join(directory, file)));
}

/** One number; null for none and for `max`, which is no limit. */
export function readNumber(directory: string, file: string): number | null {
  const text = readCgroupFile(directory, file)?.trim() ?? 'max';
  // Version 1 says no limit by the largest number of pages.
  return text === 'max' || Number(text) > Number.MAX_SAFE_INTEGER ? null : Number(text);
}

/** `KEY VALUE` on each line; empty where there is no such file. */
export function readKeyed(directory: string, file: string): Readonly<Record<string, number>> {
  const text = readCgroupFile(directory, file) ?? '';
  const pairs = text.split('\n').flatMap((line): [string, number][] => {
    const [key = '', value] = line.split(' ');
    return value === undefined ? [] : [[key, Number(value)]];
  });
  return Object.fromEntries(pairs);
}
