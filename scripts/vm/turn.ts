/**
 * One command at a time for the machines of a checkout. Whose turn it is stands in the file `busy`,
 * which appears whole by link(2) and names processes by pid and start time (proc_pid_stat(5)): one
 * that a dead process has left is known. A child that goes on without its parent, as Vagrant does
 * when npm is killed, keeps the turn.
 */
import { appendFileSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Turn {
  /** The process must be gone as well before another command begins. Nothing once released. */
  share(pid: number): void;
  /** Once: what comes after the first time does nothing. */
  release(): void;
}

/**
 * Waits for the turn; `onBusy` is called once, with who has it, when it must be waited for. Throws
 * the reason of `signal` when it is aborted meanwhile.
 */
export async function takeTurn(
  directory: string,
  onBusy: (pids: number[]) => void,
  signal?: AbortSignal,
): Promise<Turn> {
  const place = join(directory, 'busy');
  for (let told = false; !appear(place); signal?.throwIfAborted()) {
    const pids = living(place);
    if (pids.length === 0) removeDead(place, `${place}.${process.pid}.dead`);
    else if (!told) onBusy(pids);
    told ||= pids.length > 0;
    await sleep(200);
  }
  let released = false;
  return {
    share: (pid) => {
      if (!released) appendFileSync(place, `${identify(pid)}\n`);
    },
    release: () => {
      if (!released) rmSync(place, { force: true });
      released = true;
    },
  };
}

/** The processes that work on the machines now. */
export function busyProcesses(directory: string): number[] {
  return living(join(directory, 'busy'));
}

function appear(place: string): boolean {
  const mine = `${place}.${process.pid}`;
  writeFileSync(mine, `${identify(process.pid)}\n`);
  try {
    linkSync(mine, place);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(mine);
  }
}

/** Moved aside first: what is removed is then certainly not the place of one that came since. */
function removeDead(place: string, aside: string): void {
  try {
    renameSync(place, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (living(aside).length > 0) renameSync(aside, place);
  else rmSync(aside, { force: true });
}

function living(place: string): number[] {
  const lines = (readText(place) ?? '').split('\n').filter((line) => line !== '');
  const alive = lines.filter((line) => identify(Number.parseInt(line, 10)) === line);
  return alive.map((line) => Number.parseInt(line, 10));
}

/** "pid start-time" of a running process, undefined for one that is gone (a zombie is). */
function identify(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  // The name in the second field may hold blanks and brackets; the start time is the 22nd field.
  const fields = readText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');
  return fields?.[0] === 'Z' ? undefined : `${pid} ${fields?.[19] ?? '-'}`;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      return undefined;
    }
    throw error;
  }
}
