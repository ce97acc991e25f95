/**
 * Evidence for lab 06: a process that joins a running container is in the same namespaces, by
 * inode, has the container's root, a number in its pid namespace, and brings nothing along. One
 * that joins the network alone keeps everything else. Any other tool has to be able to join too.
 * proc_pid_ns(5), proc_pid_status(5), nsenter(1)
 */
import { readFileSync, statSync } from 'node:fs';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_RDONLY, SIGPIPE, SIGXFSZ } from '../../lib/kernel/constants.ts';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { differingNamespaces } from '../../lib/namespaces/joining.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { NAMESPACE_FILES, type Namespace, readNamespaces } from '../../lib/observe/namespaces.ts';
import { readCmdline, readEnviron, readFds, readStatus } from '../../lib/observe/process.ts';

const SLEEP = ['/bin/sleep', '60'];

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  // Node ignores these two at its start; a package that watches for signals may have changed that.
  for (const signal of [SIGPIPE, SIGXFSZ]) kernel.rtSigaction(signal, 'SIG_IGN');
  await using box = await subject.start({ argv: SLEEP });
  const namespaces = differingNamespaces(box.pid, subject.host.pid);
  yield await joinsWithNsenter(subject, box, namespaces);
  if (!subject.join) {
    yield noJoin();
    return;
  }
  // A descriptor as a careless library leaves it: without O_CLOEXEC.
  const careless = kernel.openat(AT_FDCWD, '/', O_RDONLY);
  try {
    await using joined = await subject.join(box, { namespaces, argv: SLEEP });
    await untilAsleep(joined.pid);
    yield sameNamespaces(joined.pid, box.pid);
    yield sameRoot(joined.pid, box.pid);
    yield numbered(joined.pid, box.pid);
    yield descriptors(joined.pid, careless);
    yield signals(joined.pid);
    yield started(joined.pid);
  } finally {
    kernel.close(careless);
  }
  await using guest = await subject.join(box, { namespaces: ['network'], argv: SLEEP });
  yield networkAlone(guest.pid, subject.host.pid);
}

const noJoin = (): Finding =>
  judge('the runtime puts a process into a running container', false, {
    expected: 'a function `join`',
    seen: 'no such export',
    where: 'the runtime',
    hint: 'export join beside runtime: a launch program that enters namespaces by setns(2)',
  });

function sameNamespaces(joined: number, box: number): Finding {
  const apart = differingNamespaces(joined, box);
  return compare('who joins is in every namespace of the container, by inode', {
    expected: 'none differs',
    seen: apart.length === 0 ? 'none differs' : `${apart.join(' ')}: another inode`,
    where: `/proc/${joined}/ns and /proc/${box}/ns`,
    hint:
      apart.join() === 'pid'
        ? 'setns never moves the caller into a pid namespace, only its children: fork after it'
        : 'setns takes the flags of all kinds that were asked for',
  });
}

function sameRoot(joined: number, box: number): Finding {
  const identity = (path: string) => {
    const { dev, ino } = statSync(path);
    return `device ${dev} inode ${ino}`;
  };
  const place = (pid: number) =>
    `${identity(`/proc/${pid}/root/`)}, stands in ${identity(`/proc/${pid}/cwd/`)}`;
  return compare('its root is the container’s, and it stands there', {
    expected: place(box),
    seen: place(joined),
    where: `stat -L /proc/${joined}/root /proc/${joined}/cwd`,
    hint: 'joining the mount namespace moves both; without it they stay the host’s',
  });
}

/** Read in the container's own /proc, from outside: ppid 0 is a parent that it cannot name. */
function numbered(joined: number, box: number): Finding {
  const { nsPid } = readStatus(joined);
  const inner = nsPid.at(-1);
  const where = `/proc/${box}/root/proc/${inner}/status`;
  const depth = readStatus(box).nsPid.length;
  const has = nsPid.length === depth ? 'a number in the container' : 'no number in the container';
  return compare('it has a number in the container, and its parent there is nobody', {
    expected: 'a number in the container, PPid 0',
    seen: nsPid.length === depth ? `${has}, PPid ${parentIn(where)}` : has,
    where: `NSpid in /proc/${joined}/status; ${where}`,
    hint: 'the number is given at a process’s birth: setns, then fork',
  });
}

const parentIn = (statusFile: string) =>
  /^PPid:\s*(\d+)$/m.exec(readFileSync(statusFile, 'utf8'))?.[1];

function descriptors(joined: number, careless: number): Finding {
  const open = readFds(joined);
  return compare('it holds three descriptors and no other', {
    expected: '0 1 2',
    seen: open.map(({ fd }) => fd).join(' '),
    where: `/proc/${joined}/fd`,
    hint: open.some(({ fd }) => fd === careless)
      ? `descriptor ${careless} is a directory of the host: close_range comes before execve`
      : 'a standard stream is missing, or a descriptor that join opened was left',
  });
}

function signals(joined: number): Finding {
  const { sigBlk, sigIgn } = readStatus(joined);
  const ignored = [SIGPIPE, SIGXFSZ].filter((n) => sigIgn & (1n << BigInt(n - 1)));
  return compare('no signal is blocked, and SIGPIPE and SIGXFSZ are not ignored', {
    expected: 'SigBlk 0, ignored: none',
    seen: `SigBlk ${sigBlk.toString(16)}, ignored: ${ignored.join(' ') || 'none'}`,
    where: `/proc/${joined}/status`,
    hint: 'the same three calls as for a new container: execute() writes them down',
  });
}

function started(joined: number): Finding {
  const names = Object.keys(readEnviron(joined) ?? {}).sort();
  return compare('it runs what was asked for, in the environment that was given', {
    expected: `${SLEEP.join(' ')} with HOME PATH TERM container`,
    seen: `${readCmdline(joined).join(' ')} with ${names.join(' ')}`,
    where: `/proc/${joined}/cmdline and /proc/${joined}/environ`,
    hint: 'execve takes the arguments and the environment that join is given, and nothing of Node’s',
  });
}

function networkAlone(guest: number, host: number): Finding {
  return compare('asked for the network alone, it joins the network alone', {
    expected: 'network',
    seen: differingNamespaces(guest, host).join(' ') || 'nothing',
    where: `/proc/${guest}/ns and /proc/${host}/ns`,
    hint: 'the flags of setns follow from the namespaces that were asked for',
  });
}

/** What nsenter(1) calls a kind that it can enter. */
const option = (kind: Namespace) => `--${kind === 'network' ? 'net' : kind}`;

async function joinsWithNsenter(
  { host }: Subject,
  box: Running,
  namespaces: readonly Namespace[],
): Promise<Finding> {
  const links = readNamespaces(box.pid);
  const files = namespaces.map((kind) => `/proc/self/ns/${NAMESPACE_FILES[kind]}`);
  const argv = ['nsenter', `--target=${box.pid}`, ...namespaces.map(option), 'readlink', ...files];
  const seen = await host.run(argv).catch((error: Error) => error.message);
  return compare('nsenter(1) of the host joins it as well', {
    expected: namespaces.map((kind) => links[kind]).join(' '),
    seen: seen.trim().replaceAll('\n', ' '),
    where: argv.join(' '),
    hint: 'a runtime of namespaces has nothing of its own that another tool would have to know',
  });
}
