/**
 * Evidence for lab 01: which directory the process has as its root, which as its working
 * directory, and which file it runs. Directories are compared by device and inode, because a path
 * means something else on each side of a chroot.
 * proc_pid_root(5), proc_pid_cwd(5), proc_pid_exe(5)
 */
import { readFileSync, statSync } from 'node:fs';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import { preparedRoot } from '../../lib/lab/prepared-root.ts';
import type { Subject } from '../../lib/lab/subject.ts';

const identity = (path: string) => {
  const { dev, ino } = statSync(path);
  return `device ${dev} inode ${ino}`;
};

const osRelease = (root: string) =>
  /^NAME=(.*)$/m.exec(readFileSync(`${root}/etc/os-release`, 'utf8'))?.[1] ?? 'no NAME';

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
  const proc = `/proc/${box.pid}`;
  const prepared = preparedRoot(subject, box);
  yield compare('its root is the directory that was prepared', {
    expected: identity(prepared),
    seen: identity(`${proc}/root/`),
    where: `stat -L ${proc}/root`,
    hint: 'its root is still the host’s: chroot did not happen, or named another directory',
  });
  yield compare('it stands inside that root', {
    expected: identity(prepared),
    seen: identity(`${proc}/cwd/`),
    where: `stat -L ${proc}/cwd`,
    hint: 'chroot leaves the working directory where it was: chdir("/") moves it inside',
  });
  yield compare('it runs the copy of the program, not the host’s', {
    expected: identity(`${prepared}/bin/sleep`),
    seen: identity(`${proc}/exe`),
    where: `stat -L ${proc}/exe`,
    hint: 'the path was looked up in the host’s root',
  });
  const [host, inside] = [osRelease(''), osRelease(`${proc}/root`)];
  yield judge('/etc/os-release names another system than the host’s', host !== inside, {
    expected: `not ${host}`,
    seen: inside,
    where: `${proc}/root/etc/os-release`,
    hint: 'the file that the process would read is the host’s',
  });
}
