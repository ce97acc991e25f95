/**
 * What can only be seen by running a lab: that its own runtime holds and the one before it does
 * not, and that its reading claims nothing that its steps do not print.
 */

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { type LabModules, loadPrevious, root } from '../course.ts';
import { type Evidence, examine, holds } from '../examine.ts';
import { allBlocks, matchOutput, parseReading } from '../reading.ts';
import { makeStepContext } from '../step-context.ts';
import { withWorkbench } from '../with-workbench.ts';
import type { Workbench } from '../workbench.ts';
import type { Complaint } from './complaint.ts';
import { proveCommands } from './console.ts';

/** What is not as it should be with the lab's own runtime. `labs`: up to and with it. */
export async function proveOwn(labs: readonly LabModules[]): Promise<string[]> {
  const own = labs.at(-1);
  if (!own) return [];
  return withWorkbench({ number: own.number }, async (workbench) => {
    const subject = workbench.subjectFor(own.runtime, `lab ${own.number}`);
    const wrong: string[] = [];
    for await (const evidence of examine(labs, subject)) {
      if (!holds(evidence)) wrong.push(describeEvidence(evidence));
    }
    return wrong;
  });
}

/** The first thing that fails with what the learner starts from; undefined when nothing does. */
export async function proveStart(lab: LabModules): Promise<string | undefined> {
  const { runtime, name } = await loadPrevious(lab.number);
  return withWorkbench({ number: lab.number }, async (workbench) => {
    try {
      for await (const evidence of examine([lab], workbench.subjectFor(runtime, name))) {
        if (!holds(evidence)) return describeEvidence(evidence);
      }
      return undefined;
    } catch (error) {
      return `stopped: ${(error as Error).message}`;
    }
  });
}

/** Runs all steps and compares what they print with what the reading says that they print. */
export async function proveReading(lab: LabModules): Promise<Complaint[]> {
  const file = relative(root, `${lab.directory}/README.md`);
  const reading = parseReading(readFileSync(`${lab.directory}/README.md`, 'utf8'), file);
  const printed = await withWorkbench({ number: lab.number }, (workbench) =>
    runSteps(lab, workbench),
  );
  const claims = allBlocks(reading.blocks).filter((block) => block.kind === 'output');
  const stale = claims.flatMap(({ step, claim, line }) => {
    const { ok, firstDifference } = matchOutput(claim, printed.get(step) ?? '');
    return ok ? [] : [{ file, line, problem: `output ${step}: ${firstDifference}` }];
  });
  return [...stale, ...proveCommands(reading, root)];
}

/** What each step shows, by its name. */
async function runSteps(lab: LabModules, workbench: Workbench): Promise<Map<string, string>> {
  const printed = new Map<string, string>();
  const subject = workbench.subjectFor(lab.runtime, `lab ${lab.number}`);
  for (const [name, step] of Object.entries(lab.lab.steps)) {
    const lines: string[] = [];
    await step.run(makeStepContext(subject, (text) => lines.push(text)));
    printed.set(name, lines.join('\n'));
  }
  return printed;
}

export function describeEvidence(evidence: Evidence): string {
  const { lab } = evidence;
  if (evidence.kind === 'attack') {
    return `lab ${lab}, attack ${evidence.name}: ${evidence.succeeded ? 'succeeds' : 'fails'}`;
  }
  const { claim, expected, seen } = evidence.finding;
  return `lab ${lab}, ${claim}: expected ${expected}, seen ${seen}`;
}
