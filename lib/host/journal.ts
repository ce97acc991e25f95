/**
 * The journal of a run: what has to be undone if the run cannot do it itself. One file per run, one
 * line of JSON per event, each written by a single write(2) before the change that it tells of, so
 * that a process killed at any moment leaves a journal that holds at least all that it did.
 *
 *     {"run":"05-k3f9","owner":{"pid":…,"startTime":…,"boot":…},"when":"2026-…"}
 *     {"act":0,"action":{…},"inside":[{"pid":…,…}]}
 *     {"undone":0}
 *     {"kept":true}
 *
 * The file gets its name when its first line is in it: a journal without an owner is what a power
 * cut has left of one. The last line may be torn, and then its change has not been begun.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Identity, identify } from '../observe/process.ts';
import type { Action } from './action.ts';
import { HostError } from './host-error.ts';
import { journalDirectory } from './state.ts';

/** An action that is to be undone, with the processes inside whose namespaces it works. */
export interface Entry {
  act: number;
  action: Action;
  /** Who those processes were: a pid alone might name another one by the time of the undoing. */
  inside: readonly Identity[];
}

export interface JournalRecord {
  run: string;
  owner: Identity;
  /** When the run began, ISO 8601. */
  when: string;
  /** The run has ended and was told to leave its directory. */
  kept: boolean;
  /** Not undone yet, in the order of their doing. */
  entries: readonly Entry[];
}

export interface Journal {
  readonly path: string;
  /** To be called before the action is done. Throws HostError; the action must not be done then. */
  act(entry: Entry): void;
  undone(act: number): void;
  /** What is left in it is left on purpose, until it is asked to be cleaned. */
  keep(): void;
  /** Nothing is left to be undone. */
  remove(): void;
  close(): void;
}

const SUFFIX = '.jsonl';

export const journalPath = (state: string, run: string): string =>
  join(journalDirectory(state), `${run}${SUFFIX}`);

/** The run that a file of the journal directory belongs to; null for a file that is no journal. */
export const runOfJournal = (file: string): string | null =>
  file.endsWith(SUFFIX) && !file.startsWith('.') ? file.slice(0, -SUFFIX.length) : null;

/** Begins a journal owned by this process. Throws HostError when the run has one already. */
export function createJournal(state: string, run: string): Journal {
  const path = journalPath(state, run);
  const head = { run, owner: identify(process.pid), when: new Date().toISOString() };
  for (;;) {
    mkdirSync(journalDirectory(state), { recursive: true, mode: 0o700 });
    try {
      return createAt(path, join(journalDirectory(state), `.${run}.${process.pid}`), head);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      // Somebody who cleans has removed the empty directory between the two calls.
      if (code === 'ENOENT') continue;
      const what = code === 'EEXIST' ? 'a run of this name is there already' : String(cause);
      throw new HostError(`${path}: ${what}`, { remedy: 'see `npm run clean`', cause });
    }
  }
}

function createAt(path: string, draft: string, head: unknown): Journal {
  const fd = openSync(draft, 'a', 0o600);
  try {
    writeLine(fd, draft, head);
    linkSync(draft, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  } finally {
    unlinkSync(draft);
  }
  return journalOn(fd, path);
}

/** For undoing what another process has journalled. Throws ENOENT when it is gone. */
export const reopenJournal = (path: string): Journal =>
  journalOn(openSync(path, constants.O_WRONLY | constants.O_APPEND), path, 'torn');

function journalOn(fd: number, path: string, end?: 'torn'): Journal {
  if (end) cutTornEnd(fd, path);
  return {
    path,
    act: (entry) => writeLine(fd, path, entry),
    undone: (act) => writeLine(fd, path, { undone: act }),
    keep: () => writeLine(fd, path, { kept: true }),
    remove: () => {
      closeSync(fd);
      try {
        unlinkSync(path);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    },
    close: () => closeSync(fd),
  };
}

/** The next line would otherwise go on where the torn one ends. */
function cutTornEnd(fd: number, path: string): void {
  const text = readFileSync(path);
  const whole = text.lastIndexOf('\n') + 1;
  if (whole !== text.length) ftruncateSync(fd, whole);
}

/** A line or nothing: what a full disk took of it is cut off again. */
function writeLine(fd: number, path: string, value: unknown): void {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  const { size } = fstatSync(fd);
  try {
    const written = writeSync(fd, line);
    if (written === line.length) return;
    ftruncateSync(fd, size);
  } catch (cause) {
    throw new HostError(`${path}: ${(cause as Error).message}`, { cause });
  }
  throw new HostError(`${path}: no room for a line`, { remedy: 'free some disk space' });
}

/**
 * What the journal holds; 'gone' when there is no such file, 'ownerless' when not even its first
 * line is whole. Throws HostError when a line in the middle is not readable.
 */
export function readJournal(path: string): JournalRecord | 'gone' | 'ownerless' {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  const lines = text.split('\n').slice(0, -1);
  const [head, ...events] = lines.map((line, index) => parseLine(path, line, index));
  if (head === undefined) return 'ownerless';
  const { run, owner, when } = head as Pick<JournalRecord, 'run' | 'owner' | 'when'>;
  const kept = events.some((event) => 'kept' in event);
  const undone = new Set(events.flatMap((event) => ('undone' in event ? [event.undone] : [])));
  const entries = events.filter((event) => 'act' in event && !undone.has(event.act));
  return { run, owner, when, kept, entries: entries as unknown as Entry[] };
}

function parseLine(path: string, line: string, index: number): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const what = `${path}: line ${index + 1} is not readable`;
    throw new HostError(what, { remedy: 'look at what it names, then remove the file', cause });
  }
}
