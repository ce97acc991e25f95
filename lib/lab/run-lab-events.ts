/**
 * What happens in a run of a lab, as events, and who tells them. The walk through a lab (run-lab.ts)
 * knows nothing of screens; a teller knows nothing of kernels.
 */
import type { Finding } from './finding.ts';
import type { Block, FrontMatter } from './reading.ts';
import type { AttackOutcome, Summary } from './report.ts';

export interface StepEvent {
  name: string;
  title: string;
  /** As it stands in lab.ts. */
  source: string;
  /** Counted from 1. */
  place: number;
  total: number;
}

/** What the learner can ask for while the walk waits. */
export interface Services {
  /** A shell in a container of the lab's runtime, on this terminal. Undefined: it has none. */
  shell?: () => Promise<void>;
  /** The runtime, as lines. */
  explain: (width: number) => Promise<string[]>;
}

/** Thrown by a teller where the learner has had enough: no failure. */
export class Leaving extends Error {}

export interface Teller {
  begin(frontMatter: FrontMatter): Promise<void>;
  /** Anything of the reading but steps and the outputs that are claimed for them. */
  block(block: Block): Promise<void>;
  /** Before a step is run; resolves when it may be. */
  step(step: StepEvent, services: Services): Promise<void>;
  /** Whole lines, as they come. */
  output(step: string, text: string): void;
  /** The step is over. */
  stepped(step: string): Promise<void>;
  /** Before checks and attacks. */
  examine(services: Services): Promise<void>;
  finding(finding: Finding): void;
  /** Called once for each attack against each runtime, and at the end with all of them. */
  attack(outcome: AttackOutcome): void;
  attacked(outcomes: readonly AttackOutcome[]): Promise<void>;
  failed(problem: Problem): void;
  /** The run's directory was left where it is. */
  kept(directory: string): void;
  done(summary: Summary): void;
  /** Gives back what the teller holds: the terminal. */
  close(): void;
}

export interface Problem {
  /** What was going on: "step mount-table". */
  during: string;
  message: string;
  hint?: string | undefined;
}
