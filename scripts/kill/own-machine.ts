/**
 * A machine of one's own to be killed on: processes, mounts and network in namespaces of their own,
 * and nothing in the directories where programs leave things. What somebody else does on the real
 * machine meanwhile is not in its pictures, and what a broken clean-up leaves ends with it.
 *
 * Directories that are kept stay where they are, also those in one that is emptied.
 * namespaces(7), open_tree(2)
 */
import { dirname } from 'node:path';
import { execvePath } from '../../lib/host/command.ts';
import {
  AF_INET,
  AT_FDCWD,
  AT_RECURSIVE,
  IFF_RUNNING,
  IFF_UP,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  SIG_SETMASK,
  SIOCSIFFLAGS,
  SOCK_DGRAM,
} from '../../lib/kernel/constants.ts';
import { encodeInterfaceFlags } from '../../lib/kernel/structs.ts';
import { type Calls, launch, type Result } from '../../lib/launch/program.ts';
import { start } from '../../lib/launch/start.ts';

const EMPTIED = ['/tmp', '/var/tmp', '/var/lib', '/run', '/dev/shm'];

/**
 * Runs `argv` there in the first of the directories `kept`, with this process's streams, and
 * resolves to its exit code. The first argument is an absolute path.
 */
export async function runOnOwnMachine(
  argv: readonly string[],
  kept: readonly [string, ...string[]],
): Promise<number> {
  const program = launch({ namespaces: ['mount', 'pid', 'network', 'uts', 'ipc'] }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    // As systemd has them: what a lab lets spread is found.
    call.mount(null, '/', null, MS_REC | MS_SHARED);
    const held = [...kept, dirname(argv[0] ?? '')]
      .filter(isEmptied)
      .map((path) => hold(call, path));
    for (const path of EMPTIED) {
      call.mount('tmpfs', path, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=1777');
    }
    for (const { path, tree } of held) putBack(call, path, tree);
    call.mount('proc', '/proc', 'proc', 0);
    raiseLoopback(call);
    call.chdir(kept[0]);
    call.rtSigprocmask(SIG_SETMASK, []);
    // Orphans are given to process 1, which has to wait for them: a shell does.
    const line = ['bash', '-c', '"$@"; exit $?', 'bash', ...argv];
    call.execve(execvePath('bash'), line, process.env as Record<string, string>);
  });
  const { exited } = await start(program);
  const exit = await exited;
  return exit.code ?? 1;
}

const isEmptied = (path: string) => EMPTIED.some((emptied) => path.startsWith(`${emptied}/`));

const hold = (call: Calls, path: string) => ({
  path,
  tree: call.openTree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE),
});

function putBack(call: Calls, path: string, tree: Result): void {
  const names = path.split('/').slice(1);
  names.forEach((_, i) => {
    call.attempt.mkdirat(AT_FDCWD, `/${names.slice(0, i + 1).join('/')}`, 0o755);
  });
  call.moveMount(tree, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

function raiseLoopback(call: Calls): void {
  const socket = call.socket(AF_INET, SOCK_DGRAM, 0);
  call.ioctl(socket, SIOCSIFFLAGS, encodeInterfaceFlags('lo', IFF_UP | IFF_RUNNING));
  call.close(socket);
}
