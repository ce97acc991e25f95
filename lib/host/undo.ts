/**
 * Undoing what a journal holds, newest first: by the run itself at its end, or by another process
 * after it was killed. An entry may never have been done, may be gone by itself, or may be undone by
 * two at once; what counts is that it is not there afterwards.
 */
import type { Effect, Inside } from './action.ts';
import { HostError } from './host-error.ts';
import type { Entry, Journal } from './journal.ts';
import { perform } from './perform.ts';
import { hasGone, isSeen } from './sight.ts';

export interface UndoReport {
  /** Names of actions, in the order of their undoing. */
  undone: string[];
  /** These are in the journal still, and are tried again by the next run or `npm run clean`. */
  failed: { name: string; error: HostError }[];
}

/** Undoes `entries`, given in the order of their doing. A failure is reported; the others go on. */
export async function undoEntries(
  entries: readonly Entry[],
  journal: Journal,
  runs: string,
): Promise<UndoReport> {
  const report: UndoReport = { undone: [], failed: [] };
  for (const entry of entries.toReversed()) {
    const { name } = entry.action;
    try {
      await undoEntry(entry, runs);
      journal.undone(entry.act);
      report.undone.push(name);
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      report.failed.push({ name, error });
    }
  }
  return report;
}

/**
 * Of entries from before the machine was started anew only files are left. Everything else went
 * with the kernel that held it, and what has the same name now is somebody else's.
 */
export const leftAfterReboot = (entries: readonly Entry[]): Entry[] =>
  entries.map((entry) => {
    const undoes = entry.action.undoes.filter((effect) => effect.do === 'remove');
    return { ...entry, action: { ...entry.action, undoes } };
  });

/** Throws HostError. */
async function undoEntry({ action, inside }: Entry, runs: string): Promise<void> {
  for (const effect of action.undoes) {
    const place = placeOf(effect);
    // A namespace goes with its last process, and takes along what was in it.
    if (place && hasGone(place, inside)) continue;
    try {
      await perform(effect, { action: action.name, runs });
    } catch (error) {
      // A command complains of what is not there to be removed; the other effects do not.
      if (effect.do !== 'run' || (await isStillSeen(action.seen, inside))) throw error;
    }
  }
}

const placeOf = (effect: Effect): Inside | undefined =>
  effect.do === 'run' ? effect.inside : undefined;

async function isStillSeen(...look: Parameters<typeof isSeen>): Promise<boolean> {
  try {
    return await isSeen(...look);
  } catch {
    // What cannot be looked at is not known to be gone: the failure of the command is reported.
    return true;
  }
}
