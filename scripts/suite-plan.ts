/** Which parts of the suite a command line names. */

/** The rooms whose tests ask the kernel; what only reads and draws text is not another elsewhere. */
export const KERNEL_ROOMS = [
  'lib/kernel/',
  'lib/observe/',
  'lib/launch/',
  'lib/host/',
  'lib/rootfs/',
  'lib/namespaces/',
  'lib/network/',
  'lib/cgroups/',
  'lib/overlay/',
  'lib/image/',
  'lib/container/',
  'lib/oci/',
  'lib/cli/',
];

export interface SuitePlan {
  /** vitest's filters; empty: no test file. */
  tests: string[];
  /** Numbers of labs. */
  labs: string[];
  mutants: string[];
}

/** A plan, or in one line what is wrong with these words. */
export function planSuite(
  words: readonly string[],
  numbers: readonly string[],
): SuitePlan | string {
  if (words.length === 0) {
    return { tests: [...KERNEL_ROOMS], labs: [...numbers], mutants: [...numbers] };
  }
  const plan: SuitePlan = { tests: [], labs: [], mutants: [] };
  for (const word of words) {
    const [, kind, number] = /^(labs?|mutants)(?::(\d+))?$/.exec(word) ?? [];
    if (kind === undefined && word === 'tests') plan.tests.push(...KERNEL_ROOMS);
    else if (kind === undefined && word.includes('/')) plan.tests.push(word);
    else if (kind === undefined) {
      return `${word}: not a part; a part is a path (lib/launch), tests, labs, lab:05, mutants or mutants:05`;
    } else {
      const padded = number?.padStart(2, '0');
      if (padded !== undefined && !numbers.includes(padded)) return `${word}: there is no such lab`;
      const wanted = padded === undefined ? numbers : [padded];
      (kind === 'mutants' ? plan.mutants : plan.labs).push(...wanted);
    }
  }
  return plan;
}
