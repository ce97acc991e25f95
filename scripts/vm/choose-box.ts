/**
 * Which box the machines are made from: the one that UNBOXED_BOX names, else the project's own if
 * it has been built, else the public one that the Vagrantfile names.
 */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { hostArch } from './image/arch.ts';
import { builtBox } from './image/box.ts';
import type { HostFacts } from './preflight.ts';
import { VmError } from './vm-error.ts';

export interface ChosenBox {
  kind: HostFacts['box']['kind'];
  /** In words, for people. */
  name: string;
  /** For the Vagrantfile; '' leaves the choice to it. */
  given: string;
}

/** Throws VmError with exit code 2 when UNBOXED_BOX names a file that is not there. */
export async function chooseBox(provider: string | null): Promise<ChosenBox> {
  const given = process.env.UNBOXED_BOX ?? '';
  if (given.endsWith('.box')) {
    const path = resolve(given);
    if (existsSync(path)) return { kind: 'file', name: `the box ${basename(path)}`, given: path };
    throw new VmError(`UNBOXED_BOX=${given}: no such file`, { exitCode: 2 });
  }
  if (given) return { kind: 'public', name: `the box ${given}`, given };
  const arch = hostArch();
  const ours = provider === 'virtualbox' ? 'virtualbox' : 'libvirt';
  const isOurs = provider === null || provider === ours;
  const built = arch !== null && isOurs ? await builtBox(arch, ours) : null;
  if (built) return { kind: 'own', name: "the project's own box", given: built.path };
  const name = arch === 'arm64' ? 'bento/debian-12' : 'debian/bookworm64';
  return { kind: 'public', name: `the public box ${name}`, given: '' };
}
