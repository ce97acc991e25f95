/**
 * What a lab consists of. Each folder `labs/NN-topic` has
 *
 *   README.md    the reading; `[step NAME](lab.ts)` alone on a line says where a step belongs
 *   lab.ts       default export: defineLab({ steps, task, unobservable })
 *   runtime.ts   exports `runtime` (from lab 06 also `join`, from lab 10 `unpack`): the runtime so far
 *   checks.ts    exports `checks`: evidence from outside
 *   attack.ts    exports `attacks`: what breaks without this lab's lines
 */

import type { Readable } from 'node:stream';
import type { RuntimeFunction } from '../container/runtime.ts';
import type { Inside } from '../host/action.ts';
import type { Namespace } from '../kernel/namespaces.ts';
import type { Program } from '../launch/program.ts';
import type { Finding } from './finding.ts';
import type { Subject } from './subject.ts';

/** What a step's code works with. Everything that it shows goes to the reader as it happens. */
export interface StepContext {
  subject: Subject;
  /** Runs a command on the lab's host with bash, shown as a transcript: host`ip addr`. */
  host: (pieces: TemplateStringsArray, ...values: unknown[]) => Promise<string>;
  /** Shows lines of text. */
  show: (text: string) => void;
}

export interface Step {
  title: string;
  run: (context: StepContext) => Promise<void>;
}

export interface Task {
  /** What has to hold in `my/runtime.ts`, for a comment: one sentence a line. */
  lines: readonly string[];
  /** The task is written before the first line of the previous runtime that contains this text. */
  before: string;
  /** From a nudge to nearly the answer. */
  hints: readonly [string, string, string];
}

export interface Lab {
  /** By name, in the order of the reading. */
  steps: Readonly<Record<string, Step>>;
  task: Task;
  /** A mutant's text (see lib/launch/mutate.ts) and, in one sentence, why nothing can notice it. */
  unobservable?: Readonly<Record<string, string>>;
}

export const defineLab = (lab: Lab): Lab => lab;

/** Runs inside a running container's namespaces, as lab 06 builds it. */
export type JoinFunction = (target: {
  pid: number;
  namespaces: readonly Namespace[];
  argv: readonly string[];
  env: Readonly<Record<string, string>>;
}) => Program;

/**
 * Makes directories of an image's layers, tars from the bottom up, below an empty directory. Resolves
 * with what an overlay takes as lowers, the topmost first.
 */
export type UnpackFunction = (layers: readonly Readable[], directory: string) => Promise<string[]>;

export interface RuntimeModule {
  runtime: RuntimeFunction;
  join?: JoinFunction;
  unpack?: UnpackFunction;
}

export type Checks = (subject: Subject) => AsyncGenerator<Finding>;

export interface Attack {
  name: string;
  title: string;
  /** The first lab whose runtime stops it, for instance '03'. */
  stoppedBy: string;
  run: (subject: Subject) => Promise<{ succeeded: boolean; seen: string; where: string }>;
}

export type { Inside };
