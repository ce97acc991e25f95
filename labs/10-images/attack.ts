/**
 * What if … an image was made to be unpacked? Its layers come from anywhere, and who unpacks them is
 * root on the host.
 */
import { createReadStream, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Attack } from '../../lib/lab/lab.ts';
import { makeHostile, naiveUnpack } from './hostile.ts';

const throughLink: Attack = {
  name: 'hostile-layer',
  title: 'write a file of the host through a link in a lower layer of an image',
  stoppedBy: '10',
  run: async (subject) => {
    const { layers, planted } = await makeHostile(subject);
    const directory = `${dirname(subject.rootfs)}/unpacked`;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    // A runtime that has no images leaves it to what one writes first.
    const unpack = subject.unpack ?? naiveUnpack;
    const where = `cat ${planted}, after both layers are unpacked below ${directory}`;
    try {
      await unpack(
        layers.map((path) => createReadStream(path)),
        directory,
      );
    } catch (error) {
      // A refusal is an answer too.
      return { succeeded: existsSync(planted), seen: (error as Error).message, where };
    }
    const succeeded = existsSync(planted);
    return { succeeded, seen: succeeded ? readFileSync(planted, 'utf8').trim() : 'no file', where };
  },
};

export const attacks: readonly Attack[] = [throughLink];
