/**
 * The way through a lab: the reading, each step where it belongs, then the checks, then the
 * attacks, against the runtime before and against this one. Told to a teller as it happens.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabModules, Predecessor } from './course.ts';
import { worksAgainst } from './examine.ts';
import type { Step } from './lab.ts';
import { LabError } from './lab-error.ts';
import type { Reading } from './reading.ts';
import { ReadingError } from './reading.ts';
import { findSource } from './render-source.ts';
import { type AttackOutcome, asExpected, type Summary } from './report.ts';
import type { Services, StepEvent, Teller } from './run-lab-events.ts';
import { makeStepContext } from './step-context.ts';
import type { Workbench } from './workbench.ts';

export interface Walk {
  modules: LabModules;
  previous: Predecessor;
  workbench: Workbench;
  teller: Teller;
  services: Services;
  /** Aborted: nothing is told, typed or started any more. */
  signal: AbortSignal;
}

/** What was going on when something failed: "step mount-table". The error itself is the cause. */
export class WalkError extends Error {
  during: string;
  constructor(during: string, cause: unknown) {
    super(`${during}: ${(cause as Error).message}`, { cause });
    this.name = 'WalkError';
    this.during = during;
  }
}

export type Counts = Pick<Summary, 'checks' | 'attacks'>;

/** The whole lab. Throws WalkError for a step or a check that fails, Leaving from the teller. */
export async function walkLab(walk: Walk, reading: Reading): Promise<Counts> {
  const { modules, teller, services } = walk;
  for (const block of reading.blocks) {
    if (block.kind !== 'step') continue;
    if (!modules.lab.steps[block.name]) {
      throw new ReadingError(reading.file, block.line, `lab.ts has no step ${block.name}`);
    }
  }
  await teller.begin(reading.frontMatter);
  for (const block of reading.blocks) {
    // What a step is claimed to print has just been seen for real.
    if (block.kind === 'output') continue;
    if (block.kind === 'step') await walkStep(walk, block.name);
    else await teller.block(block);
  }
  await teller.examine(services);
  const checks = await walkChecks(walk);
  return { checks, attacks: await walkAttacks(walk) };
}

/** One step, by its name or its place from 1. Throws LabError when there is none. */
export async function walkStep(walk: Walk, wanted: string): Promise<void> {
  const { modules, workbench, teller, services, signal } = walk;
  const { step, ...event } = findStep(modules, wanted);
  await teller.step(event, services);
  const show = (text: string) => {
    signal.throwIfAborted();
    teller.output(event.name, text);
  };
  const subject = workbench.subjectFor(modules.runtime, `lab ${modules.number}`);
  await failingAs(`step ${event.name}`, () => step.run(makeStepContext(subject, show)));
  signal.throwIfAborted();
  await teller.stepped(event.name);
}

function findStep({ lab, directory }: LabModules, wanted: string): StepEvent & { step: Step } {
  const names = Object.keys(lab.steps);
  const index = names.includes(wanted) ? names.indexOf(wanted) : Number(wanted) - 1;
  const name = names[index];
  const step = name === undefined ? undefined : lab.steps[name];
  if (name === undefined || !step) {
    const known = names.map((each, i) => `${i + 1} ${each}`).join(', ');
    throw new LabError(`there is no step ${wanted}; the steps are ${known || 'none'}`, 2);
  }
  const source = findSource(step.run, readFileSync(join(directory, 'lab.ts'), 'utf8'));
  return { step, name, title: step.title, source, place: index + 1, total: names.length };
}

export async function walkChecks({ modules, workbench, teller, signal }: Walk): Promise<{
  held: number;
  failed: number;
}> {
  const counts = { held: 0, failed: 0 };
  const subject = workbench.subjectFor(modules.runtime, `lab ${modules.number}`);
  await failingAs('checks', async () => {
    for await (const finding of modules.checks(subject)) {
      signal.throwIfAborted();
      counts[finding.held ? 'held' : 'failed'] += 1;
      teller.finding(finding);
    }
  });
  return counts;
}

/** Every attack of the lab against both runtimes; one that cannot be carried out is an outcome. */
export async function walkAttacks(walk: Walk): Promise<{ asExpected: number; otherwise: number }> {
  const { modules, previous, workbench, teller, signal } = walk;
  const own = { number: modules.number, name: `lab ${modules.number}`, runtime: modules.runtime };
  const outcomes: AttackOutcome[] = [];
  for (const { number, name: runtime, runtime: module } of [previous, own]) {
    const subject = workbench.subjectFor(module, runtime);
    for (const attack of modules.attacks) {
      const { name, title } = attack;
      const expected = worksAgainst(attack, number);
      const outcome = await attack.run(subject).catch((error: Error) => ({
        succeeded: null,
        seen: error.message,
        where: 'the attack itself',
      }));
      signal.throwIfAborted();
      outcomes.push({ name, title, runtime, expected, ...outcome });
      teller.attack({ name, title, runtime, expected, ...outcome });
    }
  }
  if (outcomes.length > 0) await teller.attacked(outcomes);
  const good = modules.attacks.filter(({ name }) =>
    outcomes.filter((each) => each.name === name).every(asExpected),
  );
  return { asExpected: good.length, otherwise: modules.attacks.length - good.length };
}

async function failingAs(during: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new WalkError(during, error);
  }
}
