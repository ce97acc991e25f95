/** Machines as they are now, without Vagrant, which takes seconds to say so. */
import { execa } from 'execa';
import { enterLibvirt, findLibvirt, virsh } from './libvirt.ts';
import { boxOf, type Machine, readNote, vagrantId } from './machines.ts';
import type { Guest } from './ssh.ts';
import type { VagrantSetup } from './vagrant.ts';

export type State = 'not made' | 'shut off' | 'running' | 'unknown';

/**
 * What the machine does, and how to reach it where it runs. Starts nothing: a machine of a libvirt
 * that is not running does not run either.
 */
export async function lookAtMachine(
  machine: Machine,
): Promise<{ state: State; setup: VagrantSetup | null }> {
  const made = vagrantId(machine);
  if (made === null) return { state: 'not made', setup: null };
  const { provider, id } = made;
  if (provider === 'libvirt') return lookAtDomain(machine, id);
  const setup = { provider, enter: [], env: environment(machine) };
  if (provider !== 'virtualbox') return { state: 'unknown', setup };
  const info = await execa('VBoxManage', ['showvminfo', id, '--machinereadable'], {
    reject: false,
  });
  if (info.exitCode !== 0) return { state: 'not made', setup: null };
  return { state: /^VMState="running"/m.test(info.stdout) ? 'running' : 'shut off', setup };
}

/** The machine when it runs, or may run; null otherwise. */
export async function findRunning(machine: Machine): Promise<Guest | null> {
  const { state, setup } = await lookAtMachine(machine);
  return setup && state !== 'shut off' ? { machine, setup } : null;
}

async function lookAtDomain(
  machine: Machine,
  id: string,
): Promise<{ state: State; setup: VagrantSetup | null }> {
  const libvirt = findLibvirt();
  if (libvirt.kind === 'none') return { state: 'unknown', setup: null };
  if (libvirt.kind === 'own' && libvirt.pid === null) return { state: 'shut off', setup: null };
  const enter = await enterLibvirt(libvirt);
  const setup = { provider: 'libvirt', enter, env: environment(machine) };
  try {
    const state = (await virsh(enter, ['domstate', id])).trim();
    return { state: state === 'running' ? 'running' : 'shut off', setup };
  } catch {
    // No domain has this id: it was removed without Vagrant.
    return { state: 'not made', setup: null };
  }
}

/** As the machine was made: the Vagrantfile would try KVM anew, and take the box that is now. */
function environment(machine: Machine): Record<string, string> {
  const driver = readNote(machine)?.driver;
  const box = boxOf(machine);
  return { ...(driver && { UNBOXED_VM_DRIVER: driver }), ...(box && { UNBOXED_BOX: box }) };
}
