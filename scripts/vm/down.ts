/**
 * Halting and removing machines. To remove one nothing of it need be whole: what a broken start has
 * left goes too, and with the last machine the boxes' copies and a libvirt of our own.
 */
import { existsSync, globSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { enterLibvirt, findLibvirt, ownImages, removeOwnLibvirt, virsh } from './libvirt.ts';
import {
  domainName,
  filesOf,
  MACHINES,
  type Machine,
  ownDirectory,
  removeNote,
  stateDirectory,
  VAGRANT_DIRECTORY,
  vagrantId,
} from './machines.ts';
import { listDomains, listVolumes, mend, vagrantHome } from './mend.ts';
import { meetMyFiles } from './my-files.ts';
import { beAlone, busyNeighbours, leave } from './neighbours.ts';
import { showProgress } from './progress.ts';
import { findRunning, lookAtMachine } from './running.ts';
import { connect, disconnect } from './ssh.ts';
import { busyProcesses, type Turn, takeTurn } from './turn.ts';
import type { Say } from './up.ts';
import { interrupt, runVagrant } from './vagrant.ts';

const PATIENCE_MS = 10_000;

/** Shuts the machine down; it keeps its disk. */
export async function halt(machine: Machine, say: Say, signal: AbortSignal): Promise<void> {
  const { state, setup } = await lookAtMachine(machine);
  if (setup === null || state === 'shut off') return say(`${machine}: ${state}`);
  const turn = await takeTurn(ownDirectory(), (pids) =>
    say(`waiting for another command to end (pid ${pids.join(', ')}) …`),
  );
  const progress = showProgress();
  try {
    await saveMyFiles(machine, say);
    disconnect({ machine, setup });
    const log = filesOf(machine).log;
    await runVagrant({
      setup,
      args: ['halt', machine],
      log,
      turns: [turn],
      onLine: progress.take,
      signal,
    });
  } finally {
    progress.end();
    turn.release();
  }
  say(`${machine}: shut off`);
}

/** Removes both machines and what belongs to them alone. */
export async function destroy(say: Say, signal: AbortSignal): Promise<void> {
  await endBusy(say);
  const turn = await takeTurn(ownDirectory(), () => {});
  const progress = showProgress();
  try {
    for (const machine of MACHINES) {
      await saveMyFiles(machine, say);
      await destroyMachine(machine, turn, progress.take, signal);
    }
    progress.begin('removing what belongs to them');
    const shared = await beAlone(() => {});
    await removeRest(say).finally(() => shared.release());
  } finally {
    progress.end();
    turn.release();
  }
  removeState();
  leave();
  say('no machine is left');
}

/** Another command that is still at work, or a Vagrant whose command was killed. */
async function endBusy(say: Say): Promise<void> {
  const began = Date.now();
  for (let told = false; ; told = true) {
    const pids = busyProcesses(ownDirectory());
    if (pids.length === 0) return;
    if (!told) say(`ending what is still at work (pid ${pids.join(', ')}) …`);
    const late = Date.now() - began > PATIENCE_MS;
    if (!told || late) {
      for (const pid of pids) send(pid, late ? 'SIGKILL' : 'SIGINT');
    }
    await sleep(200);
  }
}

/** Vagrant leads a process group of its own; our own commands do not. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    interrupt(pid, signal);
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What the learner has written in there, while it can be had. */
async function saveMyFiles(machine: Machine, say: Say): Promise<void> {
  if (!existsSync(filesOf(machine).note)) return;
  const guest = await findRunning(machine);
  if (guest === null) return;
  try {
    await connect(guest);
    await meetMyFiles(guest, say);
  } catch (error) {
    say(`my/ could not be brought from ${machine}: ${(error as Error).message.split('\n')[0]}`);
  }
}

async function destroyMachine(
  machine: Machine,
  turn: Turn,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { state, setup } = await lookAtMachine(machine);
  if (setup) {
    disconnect({ machine, setup });
    if (state !== 'not made') {
      const log = filesOf(machine).log;
      await runVagrant({
        setup,
        args: ['destroy', '--force', machine],
        log,
        turns: [turn],
        onLine,
        signal,
      });
    }
  }
  removeNote(machine);
  for (const file of Object.values(filesOf(machine))) rmSync(file, { force: true });
}

/**
 * Domains and disks that Vagrant does not know; where no other checkout has a machine or is about
 * to have one, all the rest.
 */
async function removeRest(say: Say): Promise<void> {
  const libvirt = process.platform === 'linux' ? findLibvirt() : { kind: 'none' as const, why: '' };
  const ours = MACHINES.map(domainName);
  if (libvirt.kind === 'own' && libvirt.pid === null) {
    // Nothing runs: what it kept are files.
    const others = ownImages().filter((name) => !ours.includes(name));
    if (others.length > 0 || busyNeighbours().length > 0) return;
    await removeOwnLibvirt();
  } else if (libvirt.kind !== 'none' && (libvirt.kind === 'own' || MACHINES.some(vagrantId))) {
    const enter = await enterLibvirt(libvirt);
    await mend(enter, MACHINES, say);
    if (busyNeighbours().length > 0) return;
    const left = [...(await listDomains(enter)).keys()];
    if (left.some((name) => name.startsWith('unboxed-'))) return;
    for (const { name } of await listVolumes(enter)) {
      await virsh(enter, ['vol-delete', '--pool', 'default', name]);
    }
    if (libvirt.kind === 'own' && left.length === 0) await removeOwnLibvirt();
  }
  // Vagrant's copies; the boxes themselves stay in the cache.
  for (const box of globSync(join(vagrantHome(), 'boxes/unboxed-*'))) {
    rmSync(box, { recursive: true });
  }
}

/** What Vagrant and we have noted. In a directory that somebody else named only what is ours. */
function removeState(): void {
  rmSync(join(stateDirectory(), 'unboxed'), { recursive: true, force: true });
  for (const machine of MACHINES) {
    rmSync(join(stateDirectory(), 'machines', machine), { recursive: true, force: true });
  }
  const own = join(VAGRANT_DIRECTORY, '.vagrant');
  if (stateDirectory() === own && existsSync(own)) {
    const machines = join(own, 'machines');
    if (existsSync(machines) && readdirSync(machines).length > 0) return;
    rmSync(own, { recursive: true });
  }
}
