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

/**
 * What the OCI runtime is put to by scripts of their own. Run where they are named: each takes about
 * as long as all the labs. The word after the colon is the script's argument.
 */
const TRIALS = {
  attacks: (word?: string) => ({ script: 'scripts/test-attacks.ts', args: word ? [word] : [] }),
  kills: (count?: string) => ({
    script: 'scripts/kill-test.ts',
    args: count ? [count, '--runtime', count] : [],
  }),
  drivers: (engine?: string) => ({
    script: DRIVERS,
    args: ['--runtime', 'dist/box-runtime', ...(engine ? [engine] : [])],
  }),
} satisfies Record<string, (word?: string) => Trial>;

/** Wants engines on the machine that it runs on. */
export const DRIVERS = 'scripts/test-drivers.ts';

export interface Trial {
  script: string;
  args: string[];
}

export interface SuitePlan {
  /** vitest's filters; empty: no test file. */
  tests: string[];
  /** Numbers of labs. */
  labs: string[];
  mutants: string[];
  trials: Trial[];
}

/** A plan, or in one line what is wrong with these words. */
export function planSuite(
  words: readonly string[],
  numbers: readonly string[],
): SuitePlan | string {
  if (words.length === 0) {
    return { tests: [...KERNEL_ROOMS], labs: [...numbers], mutants: [...numbers], trials: [] };
  }
  const plan: SuitePlan = { tests: [], labs: [], mutants: [], trials: [] };
  for (const word of words) {
    const [, trial, argument] = /^(attacks|kills|drivers)(?::(\w+))?$/.exec(word) ?? [];
    if (trial !== undefined) {
      plan.trials.push(TRIALS[trial as keyof typeof TRIALS](argument));
      continue;
    }
    const [, kind, number] = /^(labs?|mutants)(?::(\d+))?$/.exec(word) ?? [];
    if (kind === undefined && word === 'tests') plan.tests.push(...KERNEL_ROOMS);
    else if (kind === undefined && word.includes('/')) plan.tests.push(word);
    else if (kind === undefined) {
      return `${word}: not a part; a part is a path (lib/launch), tests, labs, lab:05, mutants, mutants:05, attacks, kills:20 or drivers`;
    } else {
      const padded = number?.padStart(2, '0');
      if (padded !== undefined && !numbers.includes(padded)) return `${word}: there is no such lab`;
      const wanted = padded === undefined ? numbers : [padded];
      (kind === 'mutants' ? plan.mutants : plan.labs).push(...wanted);
    }
  }
  return plan;
}
