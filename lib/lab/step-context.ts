/**
 * What a step's code works with: a shell on the lab's host whose commands and output are shown as a
 * transcript, and the subject, whose containers show what is typed into them.
 *
 *   $ ip link             typed on the lab's host
 *   box# ls /             typed in the container
 */
import { spawn } from 'node:child_process';
import { $ } from 'zx';
import type { StepContext } from './lab.ts';
import type { OwnedLabHost } from './lab-host.ts';
import type { LabHost, Running, Subject } from './subject.ts';

/** A context that shows everything through `show`, one or more whole lines at a time. */
export function makeStepContext(subject: Subject, show: (text: string) => void): StepContext {
  return { subject: showing(subject, show), host: hostShell(subject.host, show), show };
}

function hostShell(host: LabHost, show: (text: string) => void): StepContext['host'] {
  const origin = (host as OwnedLabHost).origin;
  const inside = origin
    ? ['nsenter', '--target', String(origin.pid), '--mount', '--net', '--wd=.']
    : [];
  const shell = $({
    verbose: false,
    nothrow: true,
    quote: (text: string) => text,
    prefix: '',
    spawn: ((file: string, args: string[], options: object) => {
      // zx hands over "SHELL -c COMMAND"; nsenter stands in front of it.
      const [command = file, ...rest] = [...inside, file, ...args];
      return spawn(command, rest, options);
    }) as typeof spawn,
  });
  return async (pieces, ...values) => {
    const command = String.raw({ raw: pieces }, ...values);
    show(`$ ${command}`);
    const { stdall } = await shell`${command}`;
    const text = stdall.replace(/\n$/, '');
    if (text) show(text);
    return text;
  };
}

function showing(subject: Subject, show: (text: string) => void): Subject {
  const wrap = (running: Running, prompt: string): Running => ({
    ...running,
    type: async (command) => {
      show(`${prompt} ${command}`);
      const printed = await running.type(command);
      if (printed) show(printed);
      return printed;
    },
  });
  const { join } = subject;
  return {
    ...subject,
    without: (line) => showing(subject.without(line), show),
    start: async (request) => wrap(await subject.start(request), 'box#'),
    ...(join && { join: async (...given) => wrap(await join(...given), 'box#') }),
  };
}
