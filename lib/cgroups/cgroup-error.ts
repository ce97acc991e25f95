/**
 * What a cgroup of this machine cannot do: which controllers, and why. Thrown before anything is
 * done or started.
 */
export interface CgroupProblem {
  /** `memory`, `cpu`, `io` … or `cgroup` where it is none of them in particular. */
  controller: string;
  why: string;
}

export class CgroupError extends Error {
  readonly problems: readonly CgroupProblem[];

  constructor(problems: readonly CgroupProblem[], options: { cause?: unknown } = {}) {
    super(problems.map(({ controller, why }) => `${controller}: ${why}`).join('; '), options);
    this.name = 'CgroupError';
    this.problems = problems;
  }
}
