/**
 * Carrying out an effect: the only place of the kit that changes the host. It is called by host.ts
 * and clean.ts, after the journal has been told.
 */
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  writeSync,
} from 'node:fs';
import { sep } from 'node:path';
import { attachDeviceProgram } from '../kernel/bpf.ts';
import { kernel } from '../kernel/call.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import type { Effect } from './action.ts';
import { runCommand } from './command.ts';
import { handDown, moveProcesses, takeBack } from './control-cgroup.ts';
import { detachMount, detachMountsBelow } from './detach.ts';
import { endProcesses } from './end-processes.ts';
import { formatCommand, formatEffect } from './format.ts';
import { mountBySteps } from './fsmount.ts';
import { HostError } from './host-error.ts';
import { removeCgroups } from './remove-cgroups.ts';
import { removeTree } from './remove-tree.ts';

export interface Surroundings {
  /** The action's name, for messages. */
  action: string;
  /** Directory of all runs' directories: what is mounted below one of them is the kit's own. */
  runs: string;
}

/** Throws HostError that names the action and what was to be done. */
export async function perform(effect: Effect, { action, runs }: Surroundings): Promise<void> {
  try {
    await carryOut(effect, action, runs);
  } catch (cause) {
    if (cause instanceof HostError && cause.action !== null) throw cause;
    const { reason, remedy } = splitAdvice(cause as Error);
    throw new HostError(reason, { action, command: formatEffect(effect), remedy, cause });
  }
}

/** A message without the advice in it, which the new one gives at its own end. */
function splitAdvice(error: Error): { reason: string; remedy: string | undefined } {
  const { message } = error;
  if (error instanceof SyscallError) {
    return { reason: message.split('\n')[0] ?? message, remedy: error.hint };
  }
  const remedy = error instanceof HostError ? (error.remedy ?? undefined) : undefined;
  return { reason: remedy ? message.replace(`; ${remedy}`, '') : message, remedy };
}

async function carryOut(effect: Effect, action: string, runs: string): Promise<void> {
  switch (effect.do) {
    case 'mkdir':
      return makeDirectory(effect.path, effect.mode ?? 0o755);
    case 'remove':
      if (effect.path.startsWith(runs + sep)) detachMountsBelow(effect.path);
      return removeTree(effect.path);
    case 'write':
      return writeFile(effect.path, effect.text);
    case 'mount':
      kernel.mount(effect.source, effect.target, effect.fstype, effect.flags, effect.data ?? null);
      return;
    case 'fsmount':
      return mountBySteps(effect);
    case 'unmount':
      return detachMount(effect.path);
    case 'end-processes':
      return endProcesses(effect.container, effect.root);
    case 'run':
      return run(effect, action);
    case 'remove-cgroups':
      return removeCgroups(effect.paths, effect.parents);
    case 'hand-down':
      return handDown(effect.top, effect.base, effect.controllers);
    case 'take-back':
      return takeBack(effect.top, effect.base);
    case 'move-processes':
      return moveProcesses(effect.from, effect.to);
    case 'attach-device-program':
      return attachDeviceProgram(effect.path, Buffer.from(effect.program, 'base64'));
  }
}

async function run(effect: Extract<Effect, { do: 'run' }>, action: string): Promise<void> {
  const { argv, inside, input } = effect;
  const { exitCode, output } = await runCommand(argv, { inside, input });
  if (exitCode === 0) return;
  const command = formatCommand(argv, inside, input);
  const what = exitCode === null ? 'ended by a signal' : `exit code ${exitCode}`;
  throw new HostError(what, { action, command, output, exitCode });
}

function makeDirectory(path: string, mode: number): void {
  // The umask must not decide what a container's user can reach; directories that were there stay.
  if (mkdirSync(path, { recursive: true, mode }) !== undefined) chmodSync(path, mode);
}

/** In a single write(2), which is what the kernel's own files want. */
function writeFile(path: string, text: string): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = explainAbsent(path, () =>
    openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644),
  );
  try {
    const bytes = Buffer.from(text);
    const written = writeSync(fd, bytes);
    if (written !== bytes.length)
      throw new HostError(`${written} of ${bytes.length} bytes written`);
  } finally {
    closeSync(fd);
  }
}

/** Where no file can be made, as in a cgroup, an absent one is reported as EACCES or EPERM. */
function explainAbsent<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (!['EACCES', 'EPERM'].includes(code) || existsSync(path)) throw cause;
    throw new HostError(`there is no such file, and none can be made there (${code})`, { cause });
  }
}
