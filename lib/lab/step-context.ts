/**
 * What a step's code works with: a shell on the lab's host whose commands and output are shown as a
 * transcript, and the subject, whose containers show what is typed into them.
 *
 *   $ ip link             typed on the lab's host
 *   (box runs, pid 4242 on the host)
 *   (a process joins, pid 4243 on the host)
 *   box# ls /             typed in the container
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { StepContext } from './lab.ts';
import type { OwnedLabHost } from './lab-host.ts';
import type { Running, Subject } from './subject.ts';

/** A context that shows everything through `show`, one or more whole lines at a time. */
export function makeStepContext(subject: Subject, show: (text: string) => void): StepContext {
  return { subject: showing(subject, show), host: hostShell(subject, show), show };
}

/** In the run's directory, so that commands name `rootfs` and not a long path. */
function hostShell({ host, rootfs }: Subject, show: (text: string) => void): StepContext['host'] {
  const { origin, env } = host as OwnedLabHost;
  const directory = dirname(rootfs);
  // The directory is entered by name: one that was opened outside would show the mounts there.
  return async (pieces, ...values) => {
    const command = String.raw({ raw: pieces }, ...values);
    show(`$ ${command}`);
    const argv = ['bash', '-c', `exec 2>&1; cd ${directory}; ${command}`];
    const [file = '', ...rest] = origin ? [...enter(origin.pid), ...argv] : argv;
    const shell = spawn(file, rest, { env, cwd: directory, stdio: ['ignore', 'pipe', 'inherit'] });
    const [printed] = await Promise.all([text(shell.stdout), once(shell, 'close')]);
    const shown = printed.replace(/\n$/, '');
    if (shown) show(shown);
    return shown;
  };
}

const enter = (pid: number) => ['nsenter', `--target=${pid}`, '--mount', '--net', '--uts', '--ipc'];

function showing(subject: Subject, show: (text: string) => void): Subject {
  const wrap = (running: Running, event: string): Running => {
    show(`(${event}, pid ${running.pid} on the host)`);
    const type = async (command: string) => {
      show(`box# ${command}`);
      const printed = await running.type(command);
      if (printed) show(printed);
      return printed;
    };
    return { ...running, type };
  };
  const { join } = subject;
  return {
    ...subject,
    without: (line) => showing(subject.without(line), show),
    under: (module, name) => showing(subject.under(module, name), show),
    start: async (request) => wrap(await subject.start(request), 'box runs'),
    ...(join && { join: async (...given) => wrap(await join(...given), 'a process joins') }),
  };
}
