/** Whether libvirt can let the host's processor run the machines, found by vagrant/kvm-works. */
import { join } from 'node:path';
import { execa } from 'execa';
import { VAGRANT_DIRECTORY } from './machines.ts';
import { VmError } from './vm-error.ts';

export interface Kvm {
  works: boolean;
  /** Why not, in a line. */
  why: string;
}

/** UNBOXED_VM_DRIVER decides; otherwise it is tried, which takes up to 20 s once per boot. */
export async function tryKvm(): Promise<Kvm> {
  const given = process.env.UNBOXED_VM_DRIVER;
  if (given === 'kvm') return { works: true, why: '' };
  if (given === 'qemu') return { works: false, why: 'UNBOXED_VM_DRIVER says qemu' };
  if (given) throw new VmError(`UNBOXED_VM_DRIVER=${given}: it is kvm or qemu`, { exitCode: 2 });
  const { exitCode, stdout } = await execa('sh', [join(VAGRANT_DIRECTORY, 'kvm-works')], {
    reject: false,
    stdin: 'ignore',
  });
  return { works: exitCode === 0, why: stdout.trim() };
}
