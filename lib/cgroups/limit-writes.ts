/**
 * Limits into files: the same value as the writes that version 1 or version 2 want, controller by
 * controller, because a machine may have one here and the other there. Pure: nothing is read and
 * nothing is written. All that the layout cannot hold is reported at once.
 *
 * kernel Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/
 */
import { CgroupError, type CgroupProblem } from './cgroup-error.ts';
import type { LimitWrite, Writer, Writers } from './limit-write.ts';
import type { Limits } from './limits.ts';
import { type CgroupPlan, findController, type Held, whyAbsent } from './plan.ts';
import { v1Writers } from './v1-writes.ts';
import { v2Writers } from './v2-writes.ts';

const KINDS = ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb', 'devices'] as const;

/** Throws CgroupError with everything that this plan cannot hold. */
export function limitWrites(plan: CgroupPlan, limits: Limits): LimitWrite[] {
  const problems: CgroupProblem[] = [];
  const writes = KINDS.flatMap((kind) => {
    if (limits[kind] === undefined) return [];
    try {
      return writesOf(kind, limits[kind], plan);
    } catch (error) {
      if (!(error instanceof CgroupError)) throw error;
      problems.push(...error.problems);
      return [];
    }
  });
  if (problems.length > 0) throw new CgroupError(problems);
  return writes;
}

function writesOf<Kind extends keyof Limits>(
  kind: Kind,
  limit: NonNullable<Limits[Kind]>,
  plan: CgroupPlan,
): LimitWrite[] {
  const held = placeOf(kind, plan);
  const writers: Writers = held.version === 1 ? v1Writers : v2Writers;
  const writer: Writer<Kind> = writers[kind];
  return writer(limit, held.directory, plan);
}

function placeOf(kind: keyof Limits, plan: CgroupPlan): Held {
  const v1 = kind === 'io' ? 'blkio' : kind;
  const held = findController(plan, v1, kind);
  if (held) return held;
  // In version 2 this is no controller: a program on the directory decides.
  if (kind === 'devices' && plan.v2 !== null) return { version: 2, directory: plan.v2 };
  throw new CgroupError([{ controller: v1, why: whyAbsent(plan, v1, kind) }]);
}
