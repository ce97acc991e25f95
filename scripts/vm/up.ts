/**
 * Bringing a machine up: what stands in the way is said first, then which box is taken, then what
 * an interrupted command has left is mended, and then it is Vagrant's turn. At the end the machine
 * answers, and has the project as it is here.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputHash } from './cache.ts';
import { type ChosenBox, chooseBox } from './choose-box.ts';
import { lookAtHost } from './host-facts.ts';
import { enterLibvirt, type LibvirtState } from './libvirt.ts';
import {
  boxOf,
  filesOf,
  MACHINES,
  type Machine,
  ownDirectory,
  PROJECT,
  readNote,
  removeNote,
  vagrantId,
  writeNote,
} from './machines.ts';
import { mend } from './mend.ts';
import { meetMyFiles } from './my-files.ts';
import { arrive, beAlone } from './neighbours.ts';
import { type Finding, type HostFacts, preflight } from './preflight.ts';
import { hasItsBox, type Progress, showProgress } from './progress.ts';
import { lookAtMachine } from './running.ts';
import { connect, type Guest } from './ssh.ts';
import { copyProject } from './sync.ts';
import { type Turn, takeTurn } from './turn.ts';
import { runVagrant, type VagrantSetup } from './vagrant.ts';
import { VmError } from './vm-error.ts';

export type Say = (line: string) => void;

/** What a machine depends on: others than those that it was made by mean to provision it again. */
const MADE_BY = ['vagrant/Vagrantfile', 'vagrant/provision.sh', '*/package-lock.json'];

/** Resolves to the machine, ready. Throws VmError; exit code 3 where the host cannot run it. */
export async function bringUp(machine: Machine, say: Say, signal: AbortSignal): Promise<Guest> {
  const began = Date.now();
  const given = process.env.VAGRANT_DEFAULT_PROVIDER || vagrantId(machine)?.provider || null;
  let box = await chooseBox(given);
  const { facts, libvirt } = await lookAtHost(machine, box);
  const { provider, problems, notes } = preflight(facts);
  if (problems.length > 0 || provider === null) throw blocked(machine, problems);
  if (given === null && box.kind !== 'file') box = await chooseBox(provider);
  say(describe({ machine, box, provider, facts }));
  for (const { what, remedy } of notes) say(`${what}\n  → ${remedy}`);
  using held = new DisposableStack();
  const turn = await takeTurn(
    ownDirectory(),
    (pids) => say(`waiting for another command to end (pid ${pids.join(', ')}) …`),
    signal,
  );
  held.defer(turn.release);
  const shared = await beAlone(
    (pids) => say(`waiting until another checkout has its box in place (pid ${pids.join(', ')}) …`),
    signal,
  );
  held.defer(shared.release);
  const progress = showProgress();
  held.defer(progress.end);
  const setup = await prepare({ machine, provider, libvirt, box, facts, progress, say });
  signal.throwIfAborted();
  const guest = { machine, setup };
  if (!(await isReady(guest))) {
    const settled = readNote(machine)?.madeBy === madeBy();
    removeNote(machine);
    await make(guest, { settled, progress, turn, shared, signal });
    const driver = facts.kvm && (facts.kvm.works ? 'kvm' : 'qemu');
    writeNote(machine, { box: box.name, provider, driver, madeBy: madeBy() });
  }
  shared.release();
  progress.begin('copying what has changed');
  await copyProject(guest);
  await meetMyFiles(guest, say);
  progress.end();
  say(`${machine} is ready after ${((Date.now() - began) / 1000).toFixed(0)} s`);
  return guest;
}

/**
 * What `settled` says was provisioned by the files as they are needs only to be started. One that
 * runs already was interrupted, or is not of today's files: `up` would provision it twice.
 */
async function make(
  guest: Guest,
  run: { settled: boolean; progress: Progress; turn: Turn; shared: Turn; signal: AbortSignal },
): Promise<void> {
  const { machine, setup } = guest;
  const { settled, progress, turn, shared, signal } = run;
  const onLine = (line: string) => {
    progress.take(line);
    if (hasItsBox(line)) shared.release();
  };
  const vagrant = (...args: string[]) => {
    progress.begin('starting Vagrant');
    return runVagrant({
      setup,
      args,
      log: filesOf(machine).log,
      turns: [turn, shared],
      onLine,
      signal,
    });
  };
  const runs = (await lookAtMachine(machine)).state === 'running';
  const provision = runs || settled ? '--no-provision' : '--provision';
  await vagrant('up', machine, provision, '--provider', setup.provider);
  shared.release();
  await connect(guest);
  if (!runs || settled) return;
  progress.begin('copying the project');
  await copyProject(guest);
  await vagrant('provision', machine);
}

function blocked(machine: Machine, problems: Finding[]): VmError {
  const lines = problems.map(({ what, remedy }) => `  ${what}\n    → ${remedy}`);
  return new VmError([`${machine} cannot run on this host:`, ...lines].join('\n'), { exitCode: 3 });
}

function describe(run: {
  machine: Machine;
  box: ChosenBox;
  provider: string;
  facts: HostFacts;
}): string {
  const { machine, box, provider, facts } = run;
  const made = readNote(machine)?.box;
  const from = facts.made ? (made ?? 'the box it was made from') : box.name;
  const how = facts.kvm ? (facts.kvm.works ? ' with KVM' : ', emulated') : '';
  return `${machine}: from ${from}, by ${provider}${how}`;
}

async function prepare(run: {
  machine: Machine;
  provider: string;
  libvirt: LibvirtState;
  box: ChosenBox;
  facts: HostFacts;
  progress: Progress;
  say: Say;
}): Promise<VagrantSetup> {
  const { machine, provider, libvirt, box, facts, progress, say } = run;
  const given = boxOf(machine) ?? box.given;
  const env: Record<string, string> = given ? { UNBOXED_BOX: given } : {};
  if (provider !== 'libvirt') return { provider, enter: [], env };
  if (libvirt.kind === 'own' && libvirt.pid === null) progress.begin('starting libvirt');
  arrive();
  const enter = await enterLibvirt(libvirt);
  await mend(enter, MACHINES, say);
  if (facts.kvm) env.UNBOXED_VM_DRIVER = facts.kvm.works ? 'kvm' : 'qemu';
  return { provider, enter, env };
}

/** It came to its end when it was brought up, by the files as they are, and it answers. */
async function isReady(guest: Guest): Promise<boolean> {
  const note = readNote(guest.machine);
  if (vagrantId(guest.machine) === null || note?.madeBy !== madeBy()) return false;
  return connect(guest).then(
    () => true,
    () => false,
  );
}

function madeBy(): string {
  const names = ['package-lock.json', ...globSync(MADE_BY, { cwd: PROJECT })].sort();
  return inputHash(names.map((name) => readFileSync(join(PROJECT, name))));
}
