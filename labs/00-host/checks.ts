/**
 * Evidence for lab 00: what the new process brought along, read from the host's /proc.
 * proc_pid_fd(5), proc_pid_status(5), proc_pid_environ(5)
 */

import { kernel } from '../../lib/kernel/call.ts';
import {
  AT_FDCWD,
  F_DUPFD_CLOEXEC,
  F_SETFD,
  O_RDONLY,
  SIGPIPE,
  SIGXFSZ,
} from '../../lib/kernel/constants.ts';
import { compare, type Finding } from '../../lib/lab/finding.ts';
import type { Subject } from '../../lib/lab/subject.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { readEnviron, readFds, readStatus } from '../../lib/observe/process.ts';

/** Beyond what somebody would count up to who closes descriptors one by one. */
const FAR = 900;

const bit = (signal: number) => 1n << BigInt(signal - 1);

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  // A descriptor as a careless library leaves it: without O_CLOEXEC.
  const careless = kernel.openat(AT_FDCWD, '/etc/passwd', O_RDONLY);
  const far = kernel.fcntl(careless, F_DUPFD_CLOEXEC, FAR);
  kernel.fcntl(far, F_SETFD, 0);
  // Node ignores these two at its start; a package that watches for signals may have changed that.
  for (const signal of [SIGPIPE, SIGXFSZ]) kernel.rtSigaction(signal, 'SIG_IGN');
  try {
    await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
    await untilAsleep(box.pid);
    yield descriptors(box.pid, [careless, far]);
    yield* signals(box.pid);
    yield environment(box.pid);
  } finally {
    for (const descriptor of [careless, far]) kernel.close(descriptor);
  }
}

function descriptors(pid: number, careless: readonly number[]): Finding {
  const open = readFds(pid);
  const crossed = careless.filter((descriptor) => open.some(({ fd }) => fd === descriptor));
  return compare('the process holds three descriptors and no other', {
    expected: '0 1 2',
    seen: open.map(({ fd }) => fd).join(' '),
    where: `/proc/${pid}/fd`,
    hint:
      crossed.length > 0
        ? `opened by the parent, and across execve: ${crossed.join(', ')}; close_range comes before it, up to the last number that there can be`
        : 'a standard stream is missing',
  });
}

function* signals(pid: number): Generator<Finding> {
  const { sigBlk, sigIgn } = readStatus(pid);
  const where = `/proc/${pid}/status`;
  yield compare('no signal is blocked', {
    expected: 'SigBlk 0',
    seen: `SigBlk ${sigBlk.toString(16)}`,
    where,
    hint: 'the mask of the clone was never taken back: rt_sigprocmask with an empty set',
  });
  for (const [name, signal] of [
    ['SIGPIPE', SIGPIPE],
    ['SIGXFSZ', SIGXFSZ],
  ] as const) {
    yield compare(`${name} is not ignored`, {
      expected: `bit ${signal - 1} of SigIgn is 0`,
      seen: `bit ${signal - 1} of SigIgn is ${sigIgn & bit(signal) ? 1 : 0}`,
      where,
      hint: 'Node ignores it, and what is ignored stays ignored across execve',
    });
  }
}

function environment(pid: number): Finding {
  const names = Object.keys(readEnviron(pid) ?? {}).sort();
  return compare('the environment is the container’s own', {
    expected: 'HOME PATH TERM container',
    seen: names.join(' '),
    where: `/proc/${pid}/environ`,
    hint: 'execve takes the whole environment: hand over the container’s and nothing else',
  });
}
