/**
 * Bringing the host back after runs that could not do it themselves. Every journal whose owner is
 * no longer alive is undone, newest action first; then run directories that no journal knows, which
 * a power cut leaves, and directories that are empty. What no journal names is never touched.
 *
 * Two may clean at once: both find things gone that they were about to remove, which is fine.
 */
import { readdirSync, realpathSync, rmdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isSame } from '../observe/process.ts';
import { directoryAction } from './host.ts';
import { HostError } from './host-error.ts';
import { journalPath, readJournal, reopenJournal, runOfJournal } from './journal.ts';
import { perform } from './perform.ts';
import {
  cacheDirectory,
  isOwnState,
  journalDirectory,
  runsDirectory,
  stateDirectory,
} from './state.ts';
import { leftAfterReboot, undoEntries } from './undo.ts';

export interface CleanReport {
  /** Names of actions that were undone, and the run that they belonged to, null for the cache. */
  removed: { name: string; run: string | null }[];
  /** Left alone: a living process works with it, or, with pid null, it was kept on request. */
  inUse: { name: string; run: string | null; pid: number | null; when: string }[];
  failed: { name: string; run: string | null; error: HostError }[];
}

export interface CleanOptions {
  /** Kept runs and the cache of root filesystems as well. */
  all?: boolean;
  /** Of `all`, not the cache. */
  keepCache?: boolean;
  /** Runs that are left alone. */
  except?: readonly string[];
  state?: string;
}

/** Undoes what dead runs have left. Resolves also when something could not be undone: see `failed`. */
export async function cleanAll(options: CleanOptions = {}): Promise<CleanReport> {
  const { all = false, keepCache = false, except = [], state: named = stateDirectory() } = options;
  const report: CleanReport = { removed: [], inUse: [], failed: [] };
  if (listNames(named) === null) return report;
  const state = realpathSync(named);
  // Listed before the journals: a directory is younger than its journal, and goes before it.
  const directories = listNames(runsDirectory(state)) ?? [];
  for (const file of listNames(journalDirectory(state)) ?? []) {
    const run = runOfJournal(file);
    if (run === null) removeDraft(state, file);
    else if (!except.includes(run)) await reportFailure(report, run, () => cleanRun(run));
  }
  for (const run of directories) {
    if (except.includes(run)) continue;
    await reportFailure(report, run, () => cleanOrphan(run));
  }
  if (all && !keepCache) await reportFailure(report, null, cleanCache);
  removeEmpty(state, isOwnState(named));
  return report;

  async function cleanRun(run: string): Promise<void> {
    const path = journalPath(state, run);
    const record = readJournal(path);
    if (record === 'gone') return;
    // Without an owner it is from before a power cut; nothing but its directory can be left.
    if (record === 'ownerless') return unlinkSync(path);
    const { owner, when, entries, kept } = record;
    const pid = isSame(owner) ? owner.pid : null;
    if (pid !== null || (kept && !all)) {
      report.inUse.push({ name: `run ${run}`, run, pid, when });
      return;
    }
    const journal = reopenJournal(path);
    const rebooted = owner.boot !== identify(process.pid).boot;
    const due = rebooted ? leftAfterReboot(entries) : entries;
    const { undone, failed } = await undoEntries(due, journal, runsDirectory(state));
    report.removed.push(...undone.map((name) => ({ name, run })));
    report.failed.push(...failed.map(({ name, error }) => ({ name, run, error })));
    if (failed.length > 0) journal.close();
    else journal.remove();
  }

  async function cleanOrphan(run: string): Promise<void> {
    if (readJournal(journalPath(state, run)) !== 'gone') return;
    const path = join(runsDirectory(state), run);
    if (listNames(path) === null) return;
    const { name, undoes } = directoryAction(run, path);
    // No run is named as the surroundings: a mount there is unexplained, so it is not detached.
    for (const effect of undoes) await perform(effect, { action: name, runs: path });
    report.removed.push({ name, run });
  }

  async function cleanCache(): Promise<void> {
    const path = cacheDirectory(state);
    if (listNames(path) === null) return;
    const name = 'cache of root filesystems';
    const user = report.inUse.find(({ pid }) => pid !== null);
    if (user) return void report.inUse.push({ ...user, name, run: null });
    await perform({ do: 'remove', path }, { action: name, runs: runsDirectory(state) });
    report.removed.push({ name, run: null });
  }
}

/** What `npm run lab` calls before it begins: everything that dead runs have left, kept ones not. */
export const recover = (
  options: Omit<CleanOptions, 'all' | 'keepCache'> = {},
): Promise<CleanReport> => cleanAll({ ...options, all: false });

async function reportFailure(
  report: CleanReport,
  run: string | null,
  body: () => Promise<void>,
): Promise<void> {
  try {
    await body();
  } catch (error) {
    // Another who cleans was faster.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    const known = error instanceof HostError ? error : null;
    const failure = known ?? new HostError((error as Error).message, { cause: error });
    report.failed.push({ name: failure.action ?? 'journal', run, error: failure });
  }
}

/** A journal that got no name, because its process was killed just then: `.RUN.PID`. */
function removeDraft(state: string, file: string): void {
  const pid = /^\..*\.(\d+)$/.exec(file)?.[1];
  if (pid && !isAlive(Number(pid))) ifThere(() => unlinkSync(join(journalDirectory(state), file)));
}

function removeEmpty(state: string, own: boolean): void {
  const directories = [runsDirectory(state), journalDirectory(state), ...(own ? [state] : [])];
  for (const directory of directories) {
    if (listNames(directory)?.length === 0) ifThere(() => rmdirSync(directory));
  }
}

const listNames = (directory: string): string[] | null => ifThere(() => readdirSync(directory));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Null when it has gone meanwhile, or is in use again. */
function ifThere<T>(body: () => T): T | null {
  try {
    return body();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTEMPTY') return null;
    throw error;
  }
}
