/**
 * The runtime's executable for tests in a virtual machine: built here, started there. Where the
 * processor is emulated it starts five times sooner than from source.
 */
import type { SuitePlan } from '../suite-plan.ts';
import { buildExecutables } from './executables.ts';

/** Of vitest's filters: those that lead to tests which start the runtime. */
const STARTING = /^lib(\/(oci|cli)|\/?$)/;

export interface ForSuite {
  /** Below the checkout. */
  built: string[];
  /** For the suite, whose checkout is at /unboxed. */
  env: Record<string, string>;
}

/** Builds it where the plan's tests start it. Throws InstallError, and ExecaError with what Bun says. */
export async function buildForSuite(
  { tests, trials }: SuitePlan,
  project: string,
  say: (line: string) => void,
): Promise<ForSuite> {
  const wanted = trials.length > 0 || tests.some((filter) => STARTING.test(filter));
  if (!wanted) return { built: [], env: {} };
  const built = (await buildExecutables(project, say)).map(({ path }) => path);
  return { built, env: { UNBOXED_RUNTIME: `/unboxed/${built[0]}` } };
}
