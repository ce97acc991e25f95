/**
 * The evidence about one runtime: what a lab's checks find and how its attacks come out. The same
 * walk serves the learner's runtime, the course's own ones and mutants; who asks decides what a
 * finding means.
 *
 * A container that cannot be started ends the walk with an error, LaunchError for a line that
 * failed: that is evidence too, and for the caller to judge.
 */
import { type LabModules, lineage, loadLab } from './course.ts';
import type { Finding } from './finding.ts';
import type { Attack } from './lab.ts';
import type { Subject } from './subject.ts';

export interface CheckEvidence {
  kind: 'check';
  /** The number of the lab whose check it is. */
  lab: string;
  finding: Finding;
}

export interface AttackEvidence {
  kind: 'attack';
  lab: string;
  name: string;
  title: string;
  succeeded: boolean;
  /** What the attack achieves against a runtime of this lab. */
  expected: boolean;
  stoppedBy: string;
  seen: string;
  where: string;
}

export type Evidence = CheckEvidence | AttackEvidence;

/** Whether an attack works against the runtime of lab `number`. */
export const worksAgainst = (attack: Pick<Attack, 'stoppedBy'>, number: string): boolean =>
  number < attack.stoppedBy;

/** What `lab`'s checks find in `subject`. */
export async function* runChecks(
  { number, checks }: Pick<LabModules, 'number' | 'checks'>,
  subject: Subject,
): AsyncGenerator<CheckEvidence> {
  for await (const finding of checks(subject)) yield { kind: 'check', lab: number, finding };
}

/** How `lab`'s attacks come out against `subject`, a runtime of lab `against`. */
export async function* runAttacks(
  { number, attacks }: Pick<LabModules, 'number' | 'attacks'>,
  subject: Subject,
  against: string,
): AsyncGenerator<AttackEvidence> {
  for (const attack of attacks) {
    const { name, title, stoppedBy } = attack;
    const expected = worksAgainst(attack, against);
    const outcome = await attack.run(subject);
    yield { kind: 'attack', lab: number, name, title, stoppedBy, expected, ...outcome };
  }
}

/**
 * All that is known about a runtime of the last of `labs`: its own checks and attacks, then the
 * checks of the labs before it, nearest first. `labs` are in the order of the course.
 */
export async function* examine(
  labs: readonly LabModules[],
  subject: Subject,
): AsyncGenerator<Evidence> {
  const own = labs.at(-1);
  if (!own) return;
  yield* runChecks(own, subject);
  yield* runAttacks(own, subject, own.number);
  for (const earlier of labs.slice(0, -1).reverse()) yield* runChecks(earlier, subject);
}

/** Whether a piece of evidence is as it has to be. */
export const holds = (evidence: Evidence): boolean =>
  evidence.kind === 'check' ? evidence.finding.held : evidence.succeeded === evidence.expected;

/** The labs that the runtime of lab `number` builds on, and it, in the order of the course. */
export async function loadLabsUpTo(number: string): Promise<LabModules[]> {
  const labs = await Promise.all(lineage(number).map(loadLab));
  return labs.filter((lab) => lab !== undefined);
}
