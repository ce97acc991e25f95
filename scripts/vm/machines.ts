/**
 * The two machines, and where what is known of them lies:
 *
 *     vagrant/.vagrant/machines/v2/libvirt/     Vagrant's own
 *     vagrant/.vagrant/unboxed/v2.json          what `npm run vm` noted when it was done
 *                              v2.ssh           `vagrant ssh-config`, which takes Vagrant seconds
 *                              v2.log           all that Vagrant said
 *
 * VAGRANT_DOTFILE_PATH names another directory than vagrant/.vagrant, as it does for Vagrant.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VmError } from './vm-error.ts';

/** Each has the cgroup layout that it is named after; v2 is meant where none is named. */
export const MACHINES = ['v2', 'v1'] as const;
export type Machine = (typeof MACHINES)[number];

/** The checkout. */
export const PROJECT = fileURLToPath(new URL('../../', import.meta.url)).replace(/[/\\]$/, '');
export const VAGRANT_DIRECTORY = join(PROJECT, 'vagrant');

/** What a machine came from and whether it came to the end. */
export interface Note {
  /** In words: `the project's own box`. */
  box: string;
  provider: string;
  /** `kvm`, `qemu`; null where the provider has no choice. */
  driver: string | null;
  /** By which files it was made; another hash is a reason to provision it again. */
  madeBy: string;
}

/** UNBOXED_VM, else v2. Throws VmError with exit code 2 for anything else. */
export function chosenMachine(): Machine {
  const given = process.env.UNBOXED_VM || 'v2';
  const machine = MACHINES.find((each) => each === given);
  if (machine) return machine;
  throw new VmError(`UNBOXED_VM=${given}: it is v1 or v2`, { exitCode: 2 });
}

export function stateDirectory(): string {
  return resolve(VAGRANT_DIRECTORY, process.env.VAGRANT_DOTFILE_PATH || '.vagrant');
}

/** Ours beside Vagrant's; made where it is missing. */
export function ownDirectory(): string {
  const path = join(stateDirectory(), 'unboxed');
  mkdirSync(path, { recursive: true });
  return path;
}

export function filesOf(machine: Machine): { note: string; ssh: string; log: string; my: string } {
  const file = (name: string) => join(ownDirectory(), `${machine}.${name}`);
  return { note: file('json'), ssh: file('ssh'), log: file('log'), my: file('my') };
}

/** The provider and its name for the machine, when Vagrant has one; null when it has none. */
export function vagrantId(machine: Machine): { provider: string; id: string } | null {
  const directory = join(stateDirectory(), 'machines', machine);
  if (!existsSync(directory)) return null;
  for (const provider of readdirSync(directory)) {
    const file = join(directory, provider, 'id');
    if (existsSync(file)) return { provider, id: readFileSync(file, 'utf8').trim() };
  }
  return null;
}

/** Vagrant's name of the box that the machine was made from; null where it has none. */
export function boxOf(machine: Machine): string | null {
  const made = vagrantId(machine);
  if (made === null) return null;
  const file = join(stateDirectory(), 'machines', machine, made.provider, 'box_meta');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).name ?? null) : null;
}

/** libvirt's name for it, by the rule of the Vagrantfile. */
export function domainName(machine: Machine): string {
  const hash = createHash('sha256').update(stateDirectory()).digest('hex').slice(0, 8);
  return `unboxed-${hash}-${machine}`;
}

export function readNote(machine: Machine): Note | null {
  const { note } = filesOf(machine);
  return existsSync(note) ? JSON.parse(readFileSync(note, 'utf8')) : null;
}

export function writeNote(machine: Machine, note: Note): void {
  writeFileSync(filesOf(machine).note, `${JSON.stringify(note)}\n`);
}

/** From here on the machine is not known to be ready. */
export function removeNote(machine: Machine): void {
  rmSync(filesOf(machine).note, { force: true });
}
