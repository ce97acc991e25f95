/**
 * What a box for VirtualBox holds: the machine as an OVF envelope with its disk as a stream-optimised
 * VMDK. Vagrant copies the machine for each `up`, and wants the address that its card has.
 *
 * https://developer.hashicorp.com/vagrant/docs/providers/virtualbox/boxes
 */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxParts } from './box.ts';
import { DISK_SIZE } from './disk.ts';
import { ovf } from './ovf.ts';
import { runTool } from './run-tool.ts';

const DISK = 'box-disk001.vmdk';

/** In the range that VirtualBox takes addresses from. */
const MAC = '080027B0CED0';

export const virtualboxParts: BoxParts = async (disk, directory, arch, signal) => {
  const vmdk = join(directory, DISK);
  const format = ['-O', 'vmdk', '-o', 'subformat=streamOptimized,adapter_type=lsilogic'];
  await runTool('qemu-img', ['convert', '-f', 'raw', ...format, disk, vmdk], { signal });
  const { size } = await stat(vmdk);
  const machine = {
    name: 'unboxed',
    osType: arch === 'amd64' ? 'Debian_64' : 'Debian_arm64',
    cpus: 2,
    memory: 2048,
    disk: { file: DISK, bytes: size, capacity: DISK_SIZE },
  };
  await writeFile(join(directory, 'box.ovf'), ovf(machine));
  const metadata = { provider: 'virtualbox', architecture: arch };
  await writeFile(join(directory, 'metadata.json'), `${JSON.stringify(metadata)}\n`);
  await writeFile(join(directory, 'Vagrantfile'), VAGRANTFILE);
  return ['metadata.json', 'Vagrantfile', 'box.ovf', DISK];
};

const VAGRANTFILE = `Vagrant.configure("2") do |config|
  config.vm.base_mac = "${MAC}"
end
`;
