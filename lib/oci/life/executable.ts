/**
 * Whether a container's program is there, looked up in the finished root of the process that waits,
 * so that `create` and `exec` can say it and not only the kernel, later and to nobody. The words are
 * those by which engines tell "not found" (127) from "not to be executed" (126).
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { O_CLOEXEC, O_PATH, RESOLVE_IN_ROOT } from '../../kernel/constants.ts';
import { openWithin } from '../../kernel/open-within.ts';
import { encodeOpenHow } from '../../kernel/structs.ts';
import { SyscallError } from '../../kernel/syscall-error.ts';
import { OciError } from '../oci-error.ts';
import { pathsOf } from '../process.ts';

export interface Wanted {
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
}

/** Throws OciError when the process `pid` will not be able to execute it. */
export function assertExecutable(pid: number, { args, env, cwd }: Wanted): void {
  const [name = ''] = args;
  if (name === '') throw new OciError('process.args: the name of a program is missing');
  const root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const found = pathsOf(name, env.PATH).map((path) =>
      look(root, path.startsWith('/') ? path : `${cwd}/${path}`),
    );
    if (found.includes('executable')) return;
    const quoted = `exec: ${JSON.stringify(name)}`;
    if (found.includes('directory')) throw new OciError(`${quoted}: is a directory`);
    if (found.includes('other')) throw new OciError(`${quoted}: permission denied`);
    throw new OciError(
      name.includes('/')
        ? `${quoted}: stat ${name}: no such file or directory`
        : `${quoted}: executable file not found in $PATH`,
    );
  } finally {
    closeSync(root);
  }
}

type Look = 'executable' | 'directory' | 'other' | 'none';

function look(root: number, path: string): Look {
  const how = encodeOpenHow({ flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT });
  let fd: number;
  try {
    fd = openWithin(root, path.replace(/^\/+/, '') || '.', how);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errno === os.errno.EACCES) return 'other';
    if (NONE.has(error.errno)) return 'none';
    throw error;
  }
  try {
    const status = fstatSync(fd);
    if (status.isDirectory()) return 'directory';
    return status.isFile() && (status.mode & 0o111) !== 0 ? 'executable' : 'other';
  } finally {
    closeSync(fd);
  }
}

const { ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG } = os.errno;
const NONE = new Set<number>([ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG]);
