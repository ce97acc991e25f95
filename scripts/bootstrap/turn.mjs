/**
 * Only one process installs into a checkout at a time. Whose turn it is stands in the folder
 * `.install`, which appears whole by rename(2) and names its processes, each by pid and start time
 * (see proc_pid_stat(5)), so that a folder left by a dead one is known, also after a reboot.
 */
import {
  appendFileSync,
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until nobody else installs into `folder`. The turn has a `folder` to work in, `share(pid)`
 * for a child that must be gone too before another may begin, and `release()`, which removes it.
 */
export async function takeTurn(folder, say) {
  const place = join(folder, '.install');
  const mine = `${place}.${process.pid}`;
  remove(mine);
  mkdirSync(mine);
  writeFileSync(join(mine, 'processes'), `${identity(process.pid)}\n`);
  giveToOwner(mine, folder);
  try {
    for (let told = false; !appear(mine, place); told = true) {
      if (!isAlive(place)) removeDead(place, `${mine}.dead`);
      else if (!told) say(`waiting for another install in ${folder} to end …`);
      await sleep(200);
    }
  } catch (error) {
    remove(mine);
    throw error;
  }
  return {
    folder: place,
    share: (pid) => appendFileSync(join(place, 'processes'), `${identity(pid)}\n`),
    release: () => remove(place),
  };
}

/**
 * Root in somebody else's checkout (sudo) hands what it made at `path` to the owner of `folder`,
 * who could not replace it otherwise. Nothing happens for anybody else.
 */
export function giveToOwner(path, folder) {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  if (uid === 0) return;
  const give = (name) => {
    const entry = lstatSync(name);
    if (entry.isSymbolicLink()) return lchownSync(name, uid, gid);
    chownSync(name, uid, gid);
    if (entry.isDirectory()) for (const child of readdirSync(name)) give(join(name, child));
  };
  give(path);
}

/** Whether `mine` took the place; not while a folder that is not empty stands there. */
function appear(mine, place) {
  try {
    renameSync(mine, place);
    return true;
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) return false;
    throw error;
  }
}

/** Whether one of the processes that `place` names still runs. */
function isAlive(place) {
  const named = readText(join(place, 'processes'))?.trim().split('\n') ?? [];
  return named.some((line) => line !== '' && identity(Number.parseInt(line, 10)) === line);
}

/** Moved aside first: what is removed is then certainly not the place of one that came since. */
function removeDead(place, aside) {
  remove(aside);
  try {
    renameSync(place, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return;
    throw error;
  }
  if (isAlive(aside)) renameSync(aside, place);
  else remove(aside);
}

/** "pid start-time" of a running process, undefined for one that is gone (a zombie is). */
function identity(pid) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return undefined;
    if (error.code !== 'EPERM') throw error;
  }
  // The name in the second field may hold blanks and brackets; the start time is the 22nd field.
  const stat = readText(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');
  return stat?.[0] === 'Z' ? undefined : `${pid} ${stat?.[19] ?? '-'}`;
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) return undefined;
    throw error;
  }
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}
