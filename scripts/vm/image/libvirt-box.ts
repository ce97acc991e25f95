/**
 * What a box for libvirt (QEMU) holds: the disk as compressed qcow2, and its format and size.
 *
 * https://vagrant-libvirt.github.io/vagrant-libvirt/boxes.html
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BoxParts } from './box.ts';
import { DISK_SIZE } from './disk.ts';
import { runTool } from './run-tool.ts';

export const libvirtParts: BoxParts = async (disk, directory, arch, signal) => {
  const metadata = {
    provider: 'libvirt',
    format: 'qcow2',
    virtual_size: Math.ceil(DISK_SIZE / 2 ** 30),
    architecture: arch,
  };
  await writeFile(join(directory, 'metadata.json'), `${JSON.stringify(metadata)}\n`);
  await writeFile(join(directory, 'Vagrantfile'), VAGRANTFILE);
  const image = join(directory, 'box.img');
  // Clusters are compressed out of order, on both threads: which lies where does not matter.
  const qcow2 = ['-c', '-W', '-m', '4', '-O', 'qcow2', '-o', 'compression_type=zstd'];
  await runTool('qemu-img', ['convert', '-f', 'raw', ...qcow2, disk, image], { signal });
  return ['metadata.json', 'Vagrantfile', 'box.img'];
};

const VAGRANTFILE = `Vagrant.configure("2") do |config|
  config.ssh.username = "vagrant"
end
`;
