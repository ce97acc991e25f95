/**
 * Does anything notice that a mutant lacks something? Its lab's checks and attacks are asked first,
 * then the checks of the labs before; the first that sees it is enough.
 */
import { LaunchError } from '../launch/launch-error.ts';
import type { LabModules } from './course.ts';
import { type Evidence, examine, holds } from './examine.ts';
import type { RuntimeModule } from './lab.ts';
import { withWorkbench } from './with-workbench.ts';

/**
 * What noticed that `module` is not the runtime that the last of `labs` has, in a few words; null
 * when nothing did. Each call has a lab's host of its own: a mutant may break the one that it gets.
 */
export async function findNotice(
  labs: readonly LabModules[],
  module: RuntimeModule,
  name: string,
): Promise<string | null> {
  const number = labs.at(-1)?.number ?? '';
  return withWorkbench({ number }, async (workbench) => {
    try {
      for await (const evidence of examine(labs, workbench.subjectFor(module, name))) {
        if (!holds(evidence)) return nameEvidence(evidence, number);
      }
      return null;
    } catch (error) {
      return nameError(error as Error);
    }
  });
}

function nameEvidence(evidence: Evidence, number: string): string {
  const of = evidence.lab === number ? '' : ` of lab ${evidence.lab}`;
  return evidence.kind === 'check'
    ? `check${of}: ${evidence.finding.claim}`
    : `attack${of}: ${evidence.name} ${evidence.succeeded ? 'succeeds' : 'fails'}`;
}

/** A container that does not start is noticed, and so is a check that finds nothing to look at. */
function nameError(error: Error): string {
  const [message] = error.message.split('\n');
  return `${error instanceof LaunchError ? 'start' : error.name}: ${message}`;
}
