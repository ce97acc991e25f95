import { dirname } from 'node:path';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_DIRECTORY, O_RDONLY } from '../../lib/kernel/constants.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import { hideSecret, SECRET } from '../../lib/lab/secret.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { differingNamespaces } from '../../lib/namespaces/joining.ts';
import type { Namespace } from '../../lib/observe/namespaces.ts';
import { readStatus } from '../../lib/observe/process.ts';
import * as naive from './naive-join.ts';
import { runtime } from './runtime.ts';

/** A runtime that cannot join leaves it to what one writes first. */
function joinerOf(subject: Subject): NonNullable<Subject['join']> {
  const join = subject.join ?? subject.under({ runtime, ...naive }, 'a naive join').join;
  if (!join) throw new TypeError('a module with `join` makes a subject with `join`');
  return join;
}

/** Lets a process join `box`; then the shell in there reads a file through what it holds. */
async function readThrough(
  subject: Subject,
  box: Running,
  namespaces: readonly Namespace[],
  pathThrough: (proc: string) => string,
) {
  try {
    const argv = ['/bin/sleep', '60'];
    await using joined = await joinerOf(subject)(box, { namespaces, argv });
    const path = pathThrough(`/proc/${readStatus(joined.pid).nsPid.at(-1)}`);
    const seen = await box.type(`cat ${path}`);
    return { succeeded: seen.includes(SECRET), seen, where: `cat ${path} in the container` };
  } catch (error) {
    // Nobody in there to be looked at: a refusal is an answer, and shown as one.
    return { succeeded: false, seen: (error as Error).message, where: 'join' };
  }
}

const readThroughDescriptor: Attack = {
  name: 'joiner-descriptor',
  title: 'read the host’s files through a directory that a joining process left open',
  stoppedBy: '06',
  run: async (subject) => {
    const secret = hideSecret(subject);
    const directory = kernel.openat(AT_FDCWD, dirname(secret), O_RDONLY | O_DIRECTORY);
    try {
      await using box = await subject.start();
      const all = differingNamespaces(box.pid, subject.host.pid);
      return await readThrough(subject, box, all, (proc) => `${proc}/fd/${directory}/secret`);
    } finally {
      kernel.close(directory);
    }
  },
};

const readThroughRoot: Attack = {
  name: 'joiner-root',
  title: 'read the host’s files through the root of a process that joined pid and network only',
  stoppedBy: '06',
  run: async (subject) => {
    const secret = hideSecret(subject);
    await using box = await subject.start();
    return await readThrough(subject, box, ['pid', 'network'], (proc) => `${proc}/root${secret}`);
  },
};

export const attacks: readonly Attack[] = [readThroughDescriptor, readThroughRoot];
