/**
 * A mount in single calls: a context for the file system, one call for each option, a mount that
 * lies nowhere yet, and its place. Its options are not bound to the one page that mount(2) reads, and
 * the kernel says in words what it did not like: the context is also a log.
 *
 *   fsopen → fsconfig, fsconfig, … → fsconfig CREATE → fsmount → move_mount
 *
 * fsopen(2), fsconfig(2), fsmount(2), move_mount(2)
 */
import { kernel } from '../kernel/call.ts';
import {
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
} from '../kernel/constants.ts';
import { SyscallError } from '../kernel/syscall-error.ts';
import type { Effect } from './action.ts';
import { HostError } from './host-error.ts';

/** Throws HostError with the kernel's own words where it has some, SyscallError where it has none. */
export function mountBySteps(effect: Extract<Effect, { do: 'fsmount' }>): void {
  const context = kernel.fsopen(effect.fstype, FSOPEN_CLOEXEC);
  try {
    for (const [key, value] of effect.options) {
      const command = value === null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
      kernel.fsconfig(context, command, key, value, 0);
    }
    kernel.fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0);
    const mount = kernel.fsmount(context, FSMOUNT_CLOEXEC, effect.attributes ?? 0);
    try {
      kernel.moveMount(mount, '', AT_FDCWD, effect.target, MOVE_MOUNT_F_EMPTY_PATH);
    } finally {
      kernel.close(mount);
    }
  } catch (cause) {
    const said = readLog(context);
    if (!(cause instanceof SyscallError) || said === '') throw cause;
    throw new HostError(`${cause.message.split('\n')[0]}: ${said}`, { cause });
  } finally {
    kernel.close(context);
  }
}

/** The kernel's messages about this context, without the letter that tells errors from warnings. */
function readLog(context: number): string {
  const said: string[] = [];
  const message = Buffer.alloc(1024);
  for (;;) {
    try {
      const length = kernel.read(context, message);
      said.push(
        message
          .toString('utf8', 0, length)
          .trim()
          .replace(/^[ewi] /, ''),
      );
    } catch {
      // ENODATA: there is no more.
      return said.join('; ');
    }
  }
}
