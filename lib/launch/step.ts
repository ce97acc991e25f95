/**
 * A launch program run one line at a time. Before a line the child waits, half built, and whoever
 * asks may look at it from outside (`/proc/PID`) and then say how to go on. Knows nothing of
 * terminals: `ask` is a function from a pause to a command.
 *
 *   waiting before line n ── next ──────────▶ waiting before line n + 1
 *                         ── { skipTo: m } ─▶ waiting before line m; those between are run
 *                         ── continue ──────▶ running
 *                         ── abort ─────────▶ the child ends; LaunchError with `aborted`
 */
import { describeLine, describeResult, pageOf } from './explain.ts';
import type { Program } from './program.ts';
import type { LineResult } from './results.ts';
import { type Child, type StartOptions, start } from './start.ts';

export type StepCommand = 'next' | { skipTo: number } | 'continue' | 'abort';

export interface Pause {
  /** The line that comes next, counted from 0. */
  index: number;
  /** How many lines the program has. */
  total: number;
  text: string;
  /** For instance `mount(2)`; null before a gate. */
  page: string | null;
  /** The half-built container, as this process sees it. */
  pid: number;
  /** The line before, and what the kernel answered; null before the first line. */
  previous: { index: number; text: string; result: string } | null;
  /** Every line so far, as `explainProgram` takes them. */
  results: readonly LineResult[];
}

export interface StepOptions extends Omit<StartOptions, 'beforeLine'> {
  ask: (pause: Pause) => Promise<StepCommand>;
}

/** As `start`; `ask` is called at each pause. What it throws ends the child and is thrown on. */
export function stepProgram(program: Program, options: StepOptions): Promise<Child> {
  const { ask, ...startOptions } = options;
  let stopAt = 0;
  return start(program, {
    ...startOptions,
    beforeLine: async (line, index, pid, results) => {
      if (index < stopAt) return 'go';
      const soFar = results();
      const before = soFar[index - 1];
      const command = await ask({
        index,
        total: program.lines.length,
        text: describeLine(line, program),
        page: pageOf(line),
        pid,
        previous: before
          ? {
              index: index - 1,
              text: describeLine(before.line, program),
              result: describeResult(before),
            }
          : null,
        results: soFar,
      });
      if (command === 'abort') return 'abort';
      stopAt = nextStop(command, index, program.lines.length);
      return 'go';
    },
  });
}

/** The line before which to wait next. Throws RangeError for one that is past or not there. */
export function nextStop(
  command: Exclude<StepCommand, 'abort'>,
  index: number,
  total: number,
): number {
  if (command === 'next') return index + 1;
  if (command === 'continue') return Number.POSITIVE_INFINITY;
  const { skipTo } = command;
  if (!Number.isInteger(skipTo) || skipTo <= index || skipTo >= total) {
    throw new RangeError(
      `cannot skip to line ${skipTo} from line ${index}: give one up to ${total - 1}`,
    );
  }
  return skipTo;
}
