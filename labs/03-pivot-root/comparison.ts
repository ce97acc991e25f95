/**
 * chroot(2) beside pivot_root(2): the same question put to containers of both kinds, and what came
 * out. No cell is written down here; each is read from /proc, or from the outcome of a run.
 */
import { statSync } from 'node:fs';
import type { Subject } from '../../lib/lab/subject.ts';
import { LaunchError } from '../../lib/launch/launch-error.ts';
import { type Mount, mountAt, readMountinfo } from '../../lib/observe/mountinfo.ts';
import { readRoot } from '../../lib/observe/process.ts';
import { climbOut } from '../01-chroot/attack.ts';
import { rejoin } from './attack.ts';

/** What is asked, and the answer for each side. */
export type Row = [question: string, chroot: string, pivotRoot: string];

const inode = (path: string) => statSync(path).ino;
const shows = ({ device, root }: Mount) => `${device} ${root}`;

/** `bare` is chroot in the host's own mount namespace: it needs none, the other two have one. */
export async function* compareRoots(
  bare: Subject,
  chroot: Subject,
  pivotRoot: Subject,
): AsyncGenerator<Row> {
  const both = async <T>(ask: (subject: Subject) => Promise<T>) =>
    [await ask(chroot), await ask(pivotRoot)] as const;
  yield ['root of the process', ...(await both(askRoot))];
  const [left, right] = await both(askTable);
  yield ['root of the mount table', left.root, right.root];
  yield ['mounts in the table', left.mounts, right.mounts];
  yield ['of these, the host’s', left.ofHost, right.ofHost];
  yield ['climbing out as in lab 01', ...(await both(askClimb))];
  yield ['root is no mount point', await askStart(bare), await without(pivotRoot, 'mount("/')];
  yield ['mounts are shared', await askStart(bare), await askShared(pivotRoot)];
}

async function askRoot(subject: Subject): Promise<string> {
  await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
  return readRoot(box.pid).replace(subject.rootfs, '…/rootfs');
}

/** mountinfo lists what lies below a process's root: so the process goes to the table's root. */
async function askTable(subject: Subject) {
  await using box = await subject.start({
    calls: (call) => {
      rejoin(call);
      call.execve('/bin/sleep', ['sleep', '60'], {});
    },
  });
  const host = new Set(readMountinfo(subject.host.pid).map(shows));
  const mounts = readMountinfo(box.pid);
  const same = inode(`/proc/${box.pid}/root/`) === inode(subject.rootfs);
  return {
    root: same ? 'rootfs' : 'the host’s /',
    mounts: String(mounts.length),
    ofHost: String(mounts.filter((mount) => host.has(shows(mount))).length),
  };
}

async function askClimb(subject: Subject): Promise<string> {
  const { succeeded } = await climbOut.run(subject);
  return succeeded ? 'is out' : 'stays in';
}

/** Whether a container comes up, or the error of the call that refused. */
async function askStart(subject: Subject): Promise<string> {
  try {
    await using _box = await subject.start({ argv: ['/bin/sleep', '60'] });
    return 'starts';
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    return /E[A-Z]+/.exec(error.message)?.[0] ?? error.message;
  }
}

const without = (subject: Subject, line: string) => askStart(subject.without(line));

/** The bind mount comes before the refusal, and has reached the host's table by then. */
async function askShared(subject: Subject): Promise<string> {
  const answer = await without(subject, 'mount(NULL');
  const { host, rootfs } = subject;
  if (mountAt(readMountinfo(host.pid), rootfs)) await host.run(['umount', rootfs]);
  return answer;
}
