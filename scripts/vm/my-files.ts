/**
 * The learner's files, my/, on both sides: an editor on the host writes them, and so do labs in the
 * machine (a task put into runtime.ts, progress.json). What both had at the last meeting is noted
 * down, so that it can be told who has changed what since. A file that both have changed is kept
 * twice: the host's under its name, the machine's beside it.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { filesOf, PROJECT } from './machines.ts';
import { type Guest, quote, readGuest } from './ssh.ts';
import { hasOwnCopy, rsync } from './sync.ts';

/** SHA-256 by file name. */
export type Listing = Record<string, string>;

export interface MyPlan {
  toGuest: string[];
  toHost: string[];
  removeOnGuest: string[];
  removeOnHost: string[];
  /** Changed on both sides, and differently. */
  both: string[];
}

/** Who gets what, from what both had last and what each has now. */
export function planMyFiles(last: Listing, host: Listing, guest: Listing): MyPlan {
  const plan: MyPlan = { toGuest: [], toHost: [], removeOnGuest: [], removeOnHost: [], both: [] };
  for (const name of new Set([...Object.keys(host), ...Object.keys(guest)])) {
    if (host[name] === guest[name]) continue;
    const hostChanged = host[name] !== last[name];
    const guestChanged = guest[name] !== last[name];
    // What one has changed the other's removal does not take away.
    if (hostChanged && guestChanged && host[name] && guest[name]) plan.both.push(name);
    else if (host[name] && (hostChanged || !guestChanged)) plan.toGuest.push(name);
    else if (guest[name] && guestChanged) plan.toHost.push(name);
    else if (guest[name]) plan.removeOnGuest.push(name);
    else plan.removeOnHost.push(name);
  }
  return plan;
}

/** Brings both sides to the same state; says what it kept twice. */
export async function meetMyFiles(guest: Guest, say: (line: string) => void): Promise<void> {
  if (!hasOwnCopy(guest)) return;
  const here = resolve(process.env.UNBOXED_MY ?? join(PROJECT, 'my'));
  const record = filesOf(guest.machine).my;
  const last: Listing = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {};
  const plan = planMyFiles(last, listHere(here), await listThere(guest));
  await bringHere(guest, here, [...plan.toHost, ...plan.both], (name) => {
    if (!plan.both.includes(name)) return name;
    const beside = besideName(here, name, guest.machine);
    say(`my/${name} was changed here and in ${guest.machine}; the one from there is my/${beside}`);
    return beside;
  });
  for (const name of plan.removeOnHost) rmSync(join(here, name), { force: true });
  await bringThere(guest, here, [...plan.toGuest, ...plan.both]);
  if (plan.removeOnGuest.length > 0) {
    const files = plan.removeOnGuest.map((name) => quote(`/unboxed/my/${name}`)).join(' ');
    await readGuest(guest, `sudo rm -f -- ${files}`);
  }
  const now = listHere(here);
  const known = Object.entries(now).filter(([name]) => !name.includes('.from-v'));
  writeFileSync(record, JSON.stringify(Object.fromEntries(known)));
}

/** runtime.ts becomes runtime.from-v2.ts, or the first number after that which is free. */
function besideName(directory: string, name: string, machine: string): string {
  const end = extname(name);
  const stem = name.slice(0, name.length - end.length);
  for (let count = 1; ; count += 1) {
    const beside = `${stem}.from-${machine}${count > 1 ? `-${count}` : ''}${end}`;
    if (!existsSync(join(directory, beside))) return beside;
  }
}

/** Plain files of the directory itself, which is all that labs make there. */
function listHere(directory: string): Listing {
  if (!existsSync(directory)) return {};
  const files = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ name }) => {
      const text = readFileSync(join(directory, name));
      return [name, createHash('sha256').update(text).digest('hex')];
    }),
  );
}

async function listThere(guest: Guest): Promise<Listing> {
  const list =
    'cd /unboxed/my 2>/dev/null || exit 0; find . -maxdepth 1 -type f -exec sha256sum {} +';
  const lines = (await readGuest(guest, list)).split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(68), line.slice(0, 64)]));
}

/** Fetched beside the place and then renamed: an editor never sees half a file. */
async function bringHere(
  guest: Guest,
  here: string,
  names: string[],
  nameHere: (name: string) => string,
): Promise<void> {
  if (names.length === 0) return;
  mkdirSync(here, { recursive: true });
  const stage = await mkdtemp(join(here, '.from-guest-'));
  try {
    const from = `${guest.machine}:/unboxed/my/`;
    await rsync(guest, ['--times', '--files-from=-', from, `${stage}/`], `${names.join('\n')}\n`);
    for (const name of names) await rename(join(stage, name), join(here, nameHere(name)));
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function bringThere(guest: Guest, here: string, names: string[]): Promise<void> {
  if (names.length === 0) return;
  const to = `${guest.machine}:/unboxed/my/`;
  const same = ['--times', '--perms', '--files-from=-'];
  await rsync(guest, [...same, `${here}/`, to], `${names.join('\n')}\n`);
}
