/**
 * The learner's own part of a lab: `my/runtime.ts` against the lab's checks and attacks, then
 * against the checks of the labs before it, which it must still pass.
 *
 * - `runMine`: makes the file ready, runs everything; `resetMine`: starts the file over.
 * - `showHint`, `showSolution`: help, in four degrees.
 *
 * All of them write to standard output and resolve to an exit code; what the learner has to put
 * right is one line on standard error.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from '../launch/launch-error.ts';
import { type LabModules, loadLab } from './course.ts';
import { type Evidence, examine, loadLabsUpTo } from './examine.ts';
import { resolveRootfs } from './given-rootfs.ts';
import { takeHint } from './hints.ts';
import { LabError } from './lab-error.ts';
import { findLine, loadMyRuntime } from './load-my-runtime.ts';
import { type MineEvent, printMineEvent } from './mine-report.ts';
import {
  moveRuntime,
  myDirectory,
  myRuntimePath,
  prepareMyRuntime,
  restartMyRuntime,
  shownPath,
} from './my-runtime.ts';
import { recordPass } from './progress.ts';
import { allHeld, type Summary } from './report.ts';
import { diffRuntimes, inColour } from './runtime-diff.ts';
import type { Subject } from './subject.ts';
import { failAtExit, interruptible } from './unfinished-runtime.ts';
import { withWorkbench } from './with-workbench.ts';
import type { WorkbenchOptions } from './workbench.ts';

export interface MineOptions extends WorkbenchOptions {
  /** A line of JSON for each event, in place of text. */
  json?: boolean | undefined;
}

/** Exit code 0 when everything held, 1 when something did not or the file does not load. */
export function runMine(options: MineOptions): Promise<number> {
  return reportingLabErrors(async () => {
    const emit = (event: MineEvent) => printMineEvent(event, options.json ?? false);
    const lab = await findLab(options.number);
    const rootfs = options.rootfs === undefined ? undefined : resolveRootfs(options.rootfs);
    for (const text of await prepareMyRuntime(lab)) emit({ event: 'note', text });
    const path = myRuntimePath();
    using _guard = failAtExit(() =>
      console.error(`${shownPath(path)}: the process was ended before everything was checked`),
    );
    const module = interruptible(await loadMyRuntime(path));
    const labs = await loadLabsUpTo(lab.number);
    const begun = performance.now();
    const counts = await withWorkbench({ ...options, rootfs, number: lab.number }, (workbench) =>
      judgeMine(examineMine(labs, workbench.subjectFor(module, shownPath(path)), path), emit),
    );
    const seconds = (performance.now() - begun) / 1000;
    const summary = { name: `lab ${lab.number}, yours`, ...counts, seconds };
    emit({ event: 'done', summary });
    if (allHeld(summary)) {
      recordPass(lab.number, 'mine');
      return 0;
    }
    if (!options.json) emit({ event: 'note', text: `stuck? npm run lab:${lab.number} -- --hint` });
    return 1;
  });
}

/** Starts `my/runtime.ts` over from the lab before; the old file is kept aside. */
export function resetMine(number: string): Promise<number> {
  return reportingLabErrors(async () => {
    const kept = await restartMyRuntime(await findLab(number));
    if (kept !== null) console.log(`kept your file as ${shownPath(kept)}`);
    console.log(`${shownPath(myRuntimePath())} starts over, with the task of lab ${number} in it`);
    return 0;
  });
}

/** The hint of `degree` 1, 2 or 3, or the one after that which was shown last. */
export function showHint(number: string, degree?: number): Promise<number> {
  return reportingLabErrors(async () => {
    const { number: padded, lab } = await findLab(number);
    console.log(takeHint(padded, lab.task, degree));
    return 0;
  });
}

/** What turns the learner's runtime, or the one that it would start from, into the lab's own. */
export function showSolution(number: string): Promise<number> {
  return reportingLabErrors(async () => {
    const lab = await findLab(number);
    for (const text of await prepareMyRuntime(lab)) console.log(text);
    const own = join(lab.directory, 'runtime.ts');
    const mine = myRuntimePath();
    const difference = diffRuntimes(
      { name: shownPath(mine), text: readFileSync(mine, 'utf8') },
      {
        name: shownPath(own),
        text: moveRuntime(readFileSync(own, 'utf8'), lab.directory, myDirectory()),
      },
      inColour(process.stdout),
    );
    console.log(difference);
    return 0;
  });
}

/** The evidence about the learner's runtime; what stops it comes out as a LabError with a place. */
async function* examineMine(
  labs: readonly LabModules[],
  subject: Subject,
  path: string,
): AsyncGenerator<Evidence> {
  try {
    yield* examine(labs, subject);
  } catch (error) {
    const cause = error as Error;
    const line = findLine(path, cause);
    if (line === undefined && isOurs(cause)) throw cause;
    const place = line === undefined ? shownPath(path) : `${shownPath(path)}:${line}`;
    const what = cause instanceof LaunchError ? 'no container' : 'the checks could not go on';
    throw new LabError(`${place}: ${what}: ${cause.message}`, 1, { cause });
  }
}

/** A mistake in the kit, which wants its stack shown: not the kernel's answer to a runtime. */
const isOurs = (error: Error) => [TypeError, ReferenceError].some((kind) => error instanceof kind);

async function judgeMine(
  evidence: AsyncGenerator<Evidence>,
  emit: (event: MineEvent) => void,
): Promise<Pick<Summary, 'checks' | 'attacks'>> {
  const checks = { held: 0, failed: 0 };
  const attacks = { asExpected: 0, otherwise: 0 };
  for await (const each of evidence) {
    // An attack that need not fail before a later lab may well fail already.
    const good = each.kind === 'check' ? each.finding.held : each.expected || !each.succeeded;
    if (each.kind === 'check') checks[good ? 'held' : 'failed'] += 1;
    else attacks[good ? 'asExpected' : 'otherwise'] += 1;
    emit({ event: each.kind, good, evidence: each });
  }
  return { checks, attacks };
}

async function findLab(number: string): Promise<LabModules> {
  const lab = await loadLab(number);
  if (!lab) throw new LabError(`there is no lab ${number}; npm run lab lists them`, 2);
  return lab;
}

async function reportingLabErrors(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(error.message);
    return error.exitCode;
  }
}
