/**
 * What if … the container makes itself a node for the host's disk? The disk is a loop device, with a
 * file that was made for it.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Spec } from '../../lib/oci/spec.ts';
import { type Attack, type Change, type Guard, printed } from './attack.ts';
import { give } from './capabilities.ts';
import { type Scene, SECRET } from './scene.ts';

async function withDisk<T>(scene: Scene, body: (numbers: string) => Promise<T>): Promise<T> {
  const file = join(scene.directory, 'disk');
  writeFileSync(file, SECRET.padEnd(1 << 20, '\n'));
  const { stdout: device } = await execa('losetup', ['--find', '--show', '--read-only', file]);
  try {
    // Major and minor as stat(1) and mknod(1) have them.
    const { rdev } = statSync(device);
    return await body(`${(rdev >> 8) & 0xfff} ${(rdev & 0xff) | ((rdev >> 12) & 0xfff00)}`);
  } finally {
    await execa('losetup', ['--detach', device]);
  }
}

const anyDevice = ({ linux }: Required<Spec>) => {
  linux.resources = { devices: [{ allow: true, access: 'rwm' }] };
};

const readDisk = (protection: string, what: string, given: Change, takeAway: Change): Attack => ({
  title: `mknod: read the host’s disk (${protection})`,
  protection,
  given: what,
  needs: ['command:losetup'],
  attempt: (scene, guard: Guard) =>
    withDisk(scene, async (numbers) => {
      const ran = await scene.run({
        script: `mknod /dev/disk b ${numbers} && head -n 1 /dev/disk`,
        change: (spec, at) => {
          if (guard !== 'default') given(spec, at);
          if (guard === 'off') takeAway(spec, at);
        },
      });
      return printed(SECRET)(ran);
    }),
});

export const attacks: readonly Attack[] = [
  readDisk('device rules', 'CAP_MKNOD', give('CAP_MKNOD'), anyDevice),
  readDisk('no CAP_MKNOD', 'rules that allow every device', anyDevice, give('CAP_MKNOD')),
];
