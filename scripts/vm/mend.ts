/**
 * What an interrupted command has left in libvirt, where Vagrant itself would stumble over it: a
 * domain or a disk that has the machine's name and that Vagrant does not know, a box of which only a
 * part has arrived, and the other way round, a domain that Vagrant knows and that is gone.
 */
import { globSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { virsh } from './libvirt.ts';
import { domainName, type Machine, stateDirectory, vagrantId } from './machines.ts';

const POOL = 'default';

/** Says in a line each what it has removed. */
export async function mend(
  enter: readonly string[],
  machines: readonly Machine[],
  say: (line: string) => void,
): Promise<void> {
  const uuids = await listDomains(enter);
  for (const machine of machines) {
    const known = vagrantId(machine)?.id;
    const uuid = uuids.get(domainName(machine));
    if (known !== undefined && known !== uuid) {
      say(`${machine}: forgotten, as it is gone`);
      rmSync(join(stateDirectory(), 'machines', machine), { recursive: true, force: true });
    }
    if (uuid !== undefined && known !== uuid) {
      say(`${machine}: removed what an interrupted start had left`);
      await removeDomain(enter, domainName(machine));
    }
  }
  const left = await listDomains(enter);
  for (const { name, bytes } of await listVolumes(enter)) {
    const machine = machines.find((each) => name === `${domainName(each)}.img`);
    if (machine && !left.has(domainName(machine))) {
      say(`${machine}: removed a disk that an interrupted start had left`);
      await virsh(enter, ['vol-delete', '--pool', POOL, name]);
    }
    if (isPart(name, bytes)) {
      say('removed a part of a box that an interrupted start had left');
      await virsh(enter, ['vol-delete', '--pool', POOL, name]);
    }
  }
}

/** UUIDs by name, of running domains and others. */
export async function listDomains(enter: readonly string[]): Promise<Map<string, string>> {
  const table = await virsh(enter, ['list', '--all', '--name', '--uuid']);
  const lines = table.split('\n').flatMap((line) => {
    const [uuid = '', name = ''] = line.trim().split(/\s+/);
    return name ? [[name, uuid] as const] : [];
  });
  return new Map(lines);
}

/** With its disk. */
export async function removeDomain(enter: readonly string[], name: string): Promise<void> {
  const state = await virsh(enter, ['domstate', name]);
  if (state.trim() !== 'shut off') await virsh(enter, ['destroy', name]);
  await virsh(enter, ['undefine', '--nvram', '--managed-save', '--remove-all-storage', name]);
}

/** Names and lengths of the files in the pool that Vagrant uses; [] where there is none yet. */
export async function listVolumes(
  enter: readonly string[],
): Promise<{ name: string; bytes: number }[]> {
  const pools = await virsh(enter, ['pool-list', '--name']);
  if (!pools.split('\n').some((name) => name.trim() === POOL)) return [];
  await virsh(enter, ['pool-refresh', POOL]);
  const names = (await virsh(enter, ['vol-list', POOL])).split('\n').flatMap((line) => {
    const name = line.trim().split(/\s+/)[0];
    return name?.startsWith('unboxed-') ? [name] : [];
  });
  const described = names.map(async (name) => {
    const xml = await virsh(enter, ['vol-dumpxml', '--pool', POOL, name]);
    return { name, bytes: Number(/<physical unit='bytes'>(\d+)</.exec(xml)?.[1]) };
  });
  return Promise.all(described);
}

/** Vagrant's copy of the box says how long the whole is. */
function isPart(volume: string, bytes: number): boolean {
  const [, box] = /^(.+)_vagrant_box_image_/.exec(volume) ?? [];
  if (!box) return false;
  const whole = globSync(join(vagrantHome(), 'boxes', box, '**/libvirt/box*.img'));
  return whole.length > 0 && whole.every((file) => statSync(file).size !== bytes);
}

export function vagrantHome(): string {
  return process.env.VAGRANT_HOME || join(homedir(), '.vagrant.d');
}
