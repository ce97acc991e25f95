/**
 * Pressure stall information: how much of the time processes of a cgroup have waited for something
 * that was short. kernel Documentation/accounting/psi.rst
 */
import { readCgroupFile } from './cgroup-file.ts';

export interface Stall {
  /** Percent of the last 10, 60 and 300 seconds. */
  avg10: number;
  avg60: number;
  avg300: number;
  /** Microseconds in all. */
  total: number;
}

/** `some`: at least one process waited; `full`: all that could have run did. */
export type Stalls = Partial<Record<'some' | 'full', Stall>>;

/** Null for what this kernel does not count. */
export type Pressure = Record<'cpu' | 'memory' | 'io', Stalls | null>;

/** Of a version 2 directory; null where the kernel has none of it (CONFIG_PSI). Throws ObserveError. */
export function readPressure(directory: string): Pressure | null {
  const read = (resource: string) => {
    const text = readCgroupFile(directory, `${resource}.pressure`);
    return text === null ? null : parsePressure(text);
  };
  const pressure = { cpu: read('cpu'), memory: read('memory'), io: read('io') };
  return Object.values(pressure).every((stalls) => stalls === null) ? null : pressure;
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, one or two lines of it. */
export function parsePressure(text: string): Stalls {
  const lines = text.split('\n').flatMap((line): [string, Stall][] => {
    const [kind = '', ...fields] = line.split(' ');
    if (kind !== 'some' && kind !== 'full') return [];
    const values = Object.fromEntries(fields.map((field) => field.split('=')));
    const { avg10, avg60, avg300, total } = values;
    return [[kind, { avg10: +avg10, avg60: +avg60, avg300: +avg300, total: +total }]];
  });
  return Object.fromEntries(lines);
}
