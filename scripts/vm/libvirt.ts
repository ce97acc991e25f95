/**
 * The libvirt that runs the machines: the system's, wherever one answers or systemd could start
 * one. Elsewhere root gets one of the kit's own, in a mount and a network namespace, with all that
 * it keeps in the directory `libvirt` of the cache; every command for it is run in there.
 *
 *     CACHE/libvirt/etc lib log cache run     laid over /etc/libvirt, /var/lib/libvirt …
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cacheDirectory } from './cache.ts';
import { endOwnProcesses, ownProcesses } from './own-processes.ts';
import { VmError } from './vm-error.ts';

const START = fileURLToPath(new URL('libvirt-daemons.sh', import.meta.url));
const URI = 'qemu:///system';
const PATIENCE_MS = 60_000;

/** Which libvirt there is: one that answers, one of our own (up or not yet), or none to be had. */
export type LibvirtState =
  | { kind: 'system' }
  | { kind: 'own'; pid: number | null }
  | { kind: 'none'; why: string };

const directory = () => join(cacheDirectory(), 'libvirt');

export function findLibvirt(): LibvirtState {
  const pid = daemon();
  if (pid !== null) return { kind: 'own', pid };
  const asked = spawnSync('virsh', ['-c', URI, 'version'], { encoding: 'utf8', timeout: 30_000 });
  if (asked.status === 0) return { kind: 'system' };
  const why = asked.stderr?.trim().split('\n').at(-1) || asked.error?.message || 'no answer';
  const mayStart = process.platform === 'linux' && !existsSync('/run/systemd/system');
  if (mayStart && process.getuid?.() === 0) return { kind: 'own', pid: null };
  return { kind: 'none', why };
}

/**
 * The words to put before a command that is to run where libvirt answers; starts a libvirt of our
 * own where that is the one. Throws VmError when it does not come up within a minute.
 */
export async function enterLibvirt(found: LibvirtState): Promise<string[]> {
  if (found.kind === 'system') return [];
  if (found.kind === 'none') throw new VmError(`libvirt: ${found.why}`, { exitCode: 3 });
  // Looked for anew: another checkout may have ended or started it since.
  const pid = daemon() ?? (await startDaemons());
  return ['nsenter', `--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`];
}

/** Ends the daemons of our own and the guests they run, and removes all that they kept. */
export async function removeOwnLibvirt(): Promise<void> {
  await endOwnProcesses(directory());
  await rm(directory(), { recursive: true, force: true });
  // Empty and of no use without a daemon; it stays where another has put something into it.
  if (process.getuid?.() === 0) await rmdir('/run/libvirt').catch(() => {});
}

/** What `virsh` prints. Throws VmError with virsh's own words. */
export async function virsh(enter: readonly string[], args: readonly string[]): Promise<string> {
  const [file = 'virsh', ...rest] = [...enter, 'virsh', '-q', '-c', URI, ...args];
  const { stdout, stderr, exitCode } = await execa(file, rest, {
    reject: false,
    stdin: 'ignore',
    env: { LC_ALL: 'C' },
  });
  if (exitCode === 0) return stdout;
  throw new VmError(`virsh ${args.join(' ')}: ${stderr.replace(/^error: /gm, '').trim()}`);
}

async function startDaemons(): Promise<number> {
  // Guests of a daemon that was killed: nobody can reach them any more.
  await endOwnProcesses(directory());
  await mkdir(directory(), { recursive: true });
  const start = ['--net', '--mount', '--propagation', 'slave', 'sh', START, directory()];
  // A process group of its own: Ctrl-C is not meant for daemons.
  await execa('unshare', start, { stdin: 'ignore', detached: true }).catch((cause) => {
    throw new VmError(`libvirt could not be started: ${cause.stderr || cause.shortMessage}`, {
      exitCode: 3,
      cause,
    });
  });
  for (const began = Date.now(); Date.now() - began < PATIENCE_MS; await sleep(100)) {
    const pid = daemon();
    if (pid !== null && (await answers(pid))) return pid;
  }
  const said = readText(join(directory(), 'log/libvirtd.out')).trim().split('\n').slice(-3);
  throw new VmError(`libvirtd does not answer:\n${said.join('\n')}`, { exitCode: 3 });
}

async function answers(pid: number): Promise<boolean> {
  const there = [`--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`];
  const { exitCode } = await execa('nsenter', [...there, 'virsh', '-c', URI, 'version'], {
    reject: false,
    timeout: 30_000,
  });
  return exitCode === 0;
}

/** The pid of our own libvirtd. */
function daemon(): number | null {
  return ownProcesses(directory()).find(({ name }) => name === 'libvirtd')?.pid ?? null;
}

function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The names of the disks that a libvirt of our own keeps, without `.img`; boxes are not machines. */
export function ownImages(): string[] {
  const images = join(directory(), 'lib/images');
  if (!existsSync(images)) return [];
  const names = readdirSync(images).filter((name) => !name.includes('_vagrant_box_image_'));
  return names.map((name) => name.replace(/\.img$/, ''));
}
