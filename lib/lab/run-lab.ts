/**
 * `npm run lab:NN`: opens a lab, walks through as much of it as the options ask for, and leaves the
 * machine as it was, on every way out. Resolves to the exit code: 0 all held (or the learner left),
 * 1 something did not, 130 and the like after a signal.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type LabModules, loadLab, loadPrevious, root } from './course.ts';
import { resolveRootfs } from './given-rootfs.ts';
import { LabError } from './lab-error.ts';
import type { LabOptions } from './options.ts';
import { type By, recordPass } from './progress.ts';
import { parseReading, type Reading } from './reading.ts';
import { type Paint, painter } from './render-paint.ts';
import { allHeld, type Summary } from './report.ts';
import { explainLab, openShell } from './run-lab-container.ts';
import { chooseTeller, lookOf, openDesk, type Terminal } from './run-lab-desk.ts';
import { Leaving, type Problem } from './run-lab-events.ts';
import { formatRuntime } from './run-lab-explain.ts';
import type { Desk } from './run-lab-pages.ts';
import { singleStep } from './run-lab-step.ts';
import { Stopped, settle, stopOnSignals } from './run-lab-stop.ts';
import {
  type Counts,
  type Walk,
  WalkError,
  walkAttacks,
  walkChecks,
  walkLab,
  walkStep,
} from './run-lab-walk.ts';
import { openWorkbench, type Workbench } from './workbench.ts';

type Options = Pick<LabOptions, 'mode' | 'step' | 'json' | 'yes' | 'keep' | 'onHost' | 'rootfs'>;

const NONE: Counts = { checks: { held: 0, failed: 0 }, attacks: { asExpected: 0, otherwise: 0 } };

/** Throws LabError for what the learner has called wrongly, ReadingError for a broken README. */
export async function runLab(
  number: string,
  options: Options,
  terminal: Terminal = process,
): Promise<number> {
  const modules = await loadLab(number);
  if (!modules) throw new LabError(`there is no lab ${number}; npm run lab lists them`, 2);
  const rootfs = options.rootfs === undefined ? undefined : resolveRootfs(options.rootfs);
  const reading = readReading(modules);
  const previous = await loadPrevious(modules.number);

  using stop = stopOnSignals();
  const look = lookOf(terminal.stdout);
  // Markdown and its colours are a good part of a start, and a program has no use for them.
  const renderer = options.json ? undefined : (await import('./render.ts')).createRenderer(look);
  const desk = openDesk(options, terminal, renderer, stop);
  const teller = chooseTeller(terminal, renderer, desk);
  let opening: Promise<Workbench> | undefined;
  let work: Promise<Counts> | undefined;
  try {
    const begun = performance.now();
    opening = openWorkbench({ ...options, number: modules.number, rootfs });
    const workbench = await Promise.race([opening, stop.stopped]);
    const walk: Walk = {
      modules,
      previous,
      workbench,
      teller,
      services: servicesOf(workbench, modules, look, stop.signal),
      signal: stop.signal,
    };
    work = doMode(walk, reading, { ...options, desk, paint: painter(look.color), terminal });
    const counts = await Promise.race([work, stop.stopped]);
    const seconds = (performance.now() - begun - (desk?.keyboard.idle() ?? 0)) / 1000;
    return finish(walk, options, { name: `lab ${modules.number}`, ...counts, seconds });
  } catch (error) {
    if (error instanceof Leaving) return 0;
    if (error instanceof Stopped) {
      // The shell's prompt should not stand behind a question of ours.
      if (terminal.stdout.isTTY) terminal.stdout.write('\n');
      return error.exitCode;
    }
    if (!(error instanceof WalkError)) throw error;
    teller.failed(describeProblem(error));
    return 1;
  } finally {
    teller.close();
    await settle(work);
    // An error of opening has been thrown above already; there is nothing to close then.
    const workbench = await opening?.catch(() => undefined);
    await workbench?.close();
    if (options.keep && workbench) teller.kept(workbench.directory);
  }
}

interface Stage {
  step: string | undefined;
  mode: LabOptions['mode'];
  json: boolean;
  desk: Desk | undefined;
  paint: Paint;
  terminal: Terminal;
}

async function doMode(walk: Walk, reading: Reading, stage: Stage): Promise<Counts> {
  const { workbench, modules } = walk;
  const write = (text: string) => void stage.terminal.stdout.write(`${text}\n`);
  switch (stage.mode) {
    case 'step':
      await walkStep(walk, stage.step ?? '');
      return NONE;
    case 'check':
      return { ...NONE, checks: await walkChecks(walk) };
    case 'attack':
      return { ...NONE, attacks: await walkAttacks(walk) };
    case 'explain': {
      const { rows, times } = await explainLab(workbench, modules.runtime, { timed: true });
      if (stage.json) for (const row of rows) write(JSON.stringify({ event: 'line', ...row }));
      else write(formatRuntime(rows, times, lookOf(stage.terminal.stdout)).join('\n'));
      return NONE;
    }
    case 'single-step':
      await singleStep(workbench, modules.runtime, {
        write,
        paint: stage.paint,
        desk: stage.desk,
        json: stage.json,
      });
      return NONE;
    default:
      return walkLab(walk, reading);
  }
}

/** What is left to tell, and to note down, of a run that came to its end. */
function finish(
  { teller, modules }: Walk,
  { mode, onHost, rootfs }: Options,
  summary: Summary,
): number {
  if (mode === 'lab' || mode === 'check' || mode === 'attack') teller.done(summary);
  if (!allHeld(summary)) return 1;
  if (mode === 'lab' && !onHost && rootfs === undefined) notePass(modules.number, 'lab');
  return 0;
}

/** That it was not noted makes what passed no failure. */
export function notePass(number: string, by: By): void {
  try {
    recordPass(number, by);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(error.message);
  }
}

function readReading({ directory }: LabModules): Reading {
  const path = join(directory, 'README.md');
  return parseReading(readFileSync(path, 'utf8'), relative(root, path));
}

function servicesOf(
  workbench: Workbench,
  { runtime }: LabModules,
  { color }: { color: boolean },
  signal: AbortSignal,
): Walk['services'] {
  return {
    shell: () => openShell(workbench, runtime, signal),
    explain: async (width) => {
      const { rows, times } = await explainLab(workbench, runtime, { timed: false });
      return formatRuntime(rows, times, { width, color });
    },
  };
}

/** Errors that only a mistake in the code makes; their place matters more than their message. */
const MISTAKES = [TypeError, ReferenceError, RangeError, SyntaxError];

function describeProblem({ during, cause }: WalkError): Problem {
  const { message, stack } = cause as Error;
  const mistaken = MISTAKES.some((kind) => cause instanceof kind);
  const [text = '', hint] = message.split('\nhint: ');
  return { during, message: mistaken ? (stack ?? text) : text, hint };
}
