/**
 * What if … the image’s /etc/passwd, in which HOME is looked up, is no file of its own? Without the
 * protection it is read as one would, by its path.
 */
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, S_IFIFO } from '../../lib/kernel/constants.ts';
import { homeIn } from '../../lib/oci/home.ts';
import { type Attack, printed } from './attack.ts';
import { SECRET } from './scene.ts';

const hostsPasswd: Attack = {
  title: 'HOME from a file of the host’s, to which the image’s /etc/passwd is a link',
  protection: 'the file is opened in the root that it is in',
  attempt: async (scene, guard) => {
    const theirs = join(scene.outside, 'passwd');
    writeFileSync(theirs, `root:x:0:0::/${SECRET}:/bin/sh\n`);
    const path = join(scene.rootfs, 'etc/passwd');
    symlinkSync(theirs, path);
    const ran = await scene.run({
      script: 'echo $HOME',
      change: ({ process }) => {
        if (guard === 'off') process.env?.push(`HOME=${homeIn(readFileSync(path, 'utf8'), 0)}`);
      },
    });
    return ran.stdout.includes(SECRET)
      ? printed(SECRET)(ran)
      : { succeeded: false, seen: `HOME is ${ran.stdout.trim()}` };
  },
};

const PATIENCE_MS = 3000;

const endless: Attack = {
  title: 'a FIFO as /etc/passwd: whoever reads it waits for ever',
  protection: 'only a file is read, and a short one',
  attempt: async (scene, guard) => {
    const path = join(scene.rootfs, 'etc/passwd');
    rmSync(path, { force: true });
    kernel.mknodat(AT_FDCWD, path, S_IFIFO | 0o666, 0);
    const read = `require('node:fs').readFileSync(${JSON.stringify(path)})`;
    // In a process of its own: this one would wait too.
    const argv =
      guard === 'off'
        ? ['-e', read]
        : [join(import.meta.dirname, 'create-from.ts'), scene.root, scene.directory, scene.id];
    scene.writeConfig(['true']);
    const waited = await promisify(execFile)(process.execPath, argv, { timeout: PATIENCE_MS }).then(
      () => false,
      ({ killed }: { killed: boolean }) => killed,
    );
    await scene.clear();
    return waited
      ? { succeeded: true, seen: `nothing has come in ${PATIENCE_MS} ms` }
      : { succeeded: false, seen: 'the container was made' };
  },
};

export const attacks: readonly Attack[] = [hostsPasswd, endless];
