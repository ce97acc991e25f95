/**
 * Evidence for lab 00: what the new process brought along, read from the host's /proc.
 * proc_pid_fd(5), proc_pid_status(5), proc_pid_environ(5)
 */

import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, O_RDONLY, SIGPIPE, SIGXFSZ } from '../../lib/kernel/constants.ts';
import { compare, type Finding } from '../../lib/lab/finding.ts';
import type { Subject } from '../../lib/lab/subject.ts';
import { untilAsleep } from '../../lib/observe/asleep.ts';
import { readEnviron, readFds, readStatus } from '../../lib/observe/process.ts';

const bit = (signal: number) => 1n << BigInt(signal - 1);

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  // A descriptor as a careless library leaves it: without O_CLOEXEC.
  const careless = kernel.openat(AT_FDCWD, '/etc/passwd', O_RDONLY);
  // Node ignores these two at its start; a package that watches for signals may have changed that.
  for (const signal of [SIGPIPE, SIGXFSZ]) kernel.rtSigaction(signal, 'SIG_IGN');
  try {
    await using box = await subject.start({ argv: ['/bin/sleep', '60'] });
    await untilAsleep(box.pid);
    yield descriptors(box.pid, careless);
    yield* signals(box.pid);
    yield environment(box.pid);
  } finally {
    kernel.close(careless);
  }
}

function descriptors(pid: number, careless: number): Finding {
  const open = readFds(pid);
  return compare('the process holds three descriptors and no other', {
    expected: '0 1 2',
    seen: open.map(({ fd }) => fd).join(' '),
    where: `/proc/${pid}/fd`,
    hint: open.some(({ fd }) => fd === careless)
      ? `descriptor ${careless} was opened by the parent and crossed execve: close_range comes before it`
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
