/**
 * The host's half of a run: actions are done through it, are in the journal before they are, and are
 * undone newest first. Its first action is the run's own directory. Nothing of it runs when the
 * process exits without `undo`: the journal then is what the next run, or `npm run clean`, reads.
 */
import { join } from 'node:path';
import { type Identity, identify } from '../observe/process.ts';
import type { Action, Effect, Inside } from './action.ts';
import { HostError } from './host-error.ts';
import { createJournal, type Entry } from './journal.ts';
import { perform } from './perform.ts';
import { isSeen } from './sight.ts';
import { makeStateDirectory, runsDirectory, stateDirectory } from './state.ts';
import { type UndoReport, undoEntries } from './undo.ts';

export type { UndoReport } from './undo.ts';

export interface Host {
  readonly run: string;
  /** STATE/runs/ID, an absolute path without symbolic links. */
  readonly directory: string;
  /** Actions that are done, in their order. */
  readonly done: readonly Action[];
  /**
   * Journals the action, then does it. Throws HostError when it fails, which leaves it to be undone
   * with the others; and before anything is done when its result is there already, because then it
   * is somebody else's, not ours to undo, and once the undoing has been asked for.
   */
  do(action: Action): Promise<void>;
  /** Whether the action's result is there now. Throws HostError or ObserveError. */
  isThere(action: Action): Promise<boolean>;
  /**
   * Newest first; the directory last, or not at all with `keep`. Waits for an action that is being
   * done. May be called again.
   */
  undo(options?: { keep?: boolean }): Promise<UndoReport>;
}

/** Begins a run. `run` names it on this machine: letters, digits, dot, dash, underscore. */
export async function openHost(run: string, state: string = stateDirectory()): Promise<Host> {
  if (!/^\w[\w.-]*$/.test(run)) {
    throw new HostError(`${JSON.stringify(run)} cannot be the name of a run`, {
      remedy: 'use letters, digits, dot, dash and underscore',
    });
  }
  const root = makeStateDirectory(state);
  const runs = runsDirectory(root);
  const directory = join(runs, run);
  const journal = createJournal(root, run);
  let entries: Entry[] = [];
  const done: Action[] = [];
  let count = 0;
  let ending = false;
  let last: Promise<unknown> = Promise.resolve();
  // One after the other: what is undone while it is being done is there afterwards, and with the
  // journal gone nobody would know of it.
  const inTurn = <T>(body: () => Promise<T>): Promise<T> => {
    const turn = last.then(body);
    last = turn.catch(() => undefined);
    return turn;
  };

  const doAction = async (action: Action): Promise<void> => {
    const { name } = action;
    if (ending) throw new HostError('the run is over, nothing more is done', { action: name });
    if (entries.some((entry) => entry.action.name === name)) {
      throw new HostError('this run has an action of that name already', { action: name });
    }
    const inside = identifyPlaces(action);
    if (await isSeen(action.seen, inside)) {
      // A setting that is as it should be is nothing to do, and nothing to undo.
      if ('file' in action.seen) return;
      throw new HostError('is there already and belongs to somebody else', {
        action: name,
        remedy: 'if a run has left it, `npm run clean` removes it',
      });
    }
    const entry = { act: count++, action, inside };
    journal.act(entry);
    entries.push(entry);
    for (const effect of action.does) await perform(effect, { action: name, runs });
    done.push(action);
  };

  const undoAll = async (keep: boolean): Promise<UndoReport> => {
    if (entries.length === 0) return { undone: [], failed: [] };
    const kept = keep ? entries.filter(({ act }) => act === 0) : [];
    const due = entries.filter((entry) => !kept.includes(entry));
    const report = await undoEntries(due, journal, runs);
    const failed = new Set(report.failed.map(({ name }) => name));
    entries = entries.filter((entry) => kept.includes(entry) || failed.has(entry.action.name));
    done.length = 0;
    if (entries.length === 0) journal.remove();
    else if (keep) journal.keep();
    return report;
  };
  const undo: Host['undo'] = ({ keep = false } = {}) => {
    ending = true;
    return inTurn(() => undoAll(keep));
  };

  const isThere = (action: Action) => isSeen(action.seen, identifyPlaces(action));
  try {
    await doAction(directoryAction(run, directory));
  } catch (error) {
    // What is there already is not in the list and stays.
    if (entries.length === 0) journal.remove();
    else await undo();
    throw error;
  }
  const doInTurn = (action: Action) => inTurn(() => doAction(action));
  return { run, directory, done, do: doInTurn, isThere, undo };
}

export const directoryAction = (run: string, path: string): Action => ({
  name: `directory of ${run}`,
  does: [{ do: 'mkdir', path, mode: 0o755 }],
  undoes: [{ do: 'remove', path }],
  seen: { path },
});

/** Who the processes are by whose namespaces the action works. Throws ObserveError: one is gone. */
function identifyPlaces({ does, undoes, seen }: Action): Identity[] {
  const ofEffect = (effect: Effect): Inside | undefined =>
    effect.do === 'run' ? effect.inside : undefined;
  const places = [...does.map(ofEffect), ...undoes.map(ofEffect), insideOf(seen)];
  const pids = places.flatMap((place) => (place ? [place.pid] : []));
  return [...new Set(pids)].map(identify);
}

const insideOf = (seen: Action['seen']): Inside | undefined =>
  'inside' in seen ? seen.inside : undefined;
