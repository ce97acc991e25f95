/**
 * Commands whose output is a view of the kernel that no file gives: links and routes (`ip`),
 * packet filter rules (`nft`, `iptables-save`). They are run only to read.
 *
 * ip(8), nft(8), iptables-save(8), nsenter(1)
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ObserveError } from './error.ts';
import { namespaceInode } from './namespaces.ts';
import { orNull } from './proc-file.ts';

/** An ordinary user's PATH leaves out the directories where `ip` and `nft` live. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The absolute path of the first executable of that name, or null when there is none. */
export function findCommand(name: string): string | null {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((path) => path !== '');
  for (const directory of [...directories, ...SYSTEM_DIRECTORIES]) {
    const path = join(directory, name);
    if (isExecutable(path)) return path;
  }
  return null;
}

/**
 * What the command writes to standard output, in the C locale. With `netns` it runs in the network
 * namespace of that process. Throws ObserveError when it is not installed or does not exit with 0.
 */
export function readCommand(name: string, args: string[], netns?: { pid: number }): string {
  const argv = [locate(name), ...args];
  if (netns) argv.unshift(locate('nsenter'), ...joinNetwork(netns.pid));
  const [file = '', ...rest] = argv;
  try {
    return execFileSync(file, rest, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      maxBuffer: 1 << 26,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (cause) {
    const stderr = String((cause as { stderr?: unknown }).stderr ?? '').trim();
    const why = stderr.split('\n')[0] || (cause as Error).message;
    throw new ObserveError(argv.join(' '), why, { cause });
  }
}

/** A network namespace owned by another user namespace opens only from inside that one. */
function joinNetwork(pid: number): string[] {
  const network = [`--net=/proc/${pid}/ns/net`];
  const theirs = orNull(() => namespaceInode(pid, 'user'));
  if (theirs === null || theirs === namespaceInode('self', 'user')) return network;
  return [`--user=/proc/${pid}/ns/user`, '--preserve-credentials', ...network];
}

function locate(name: string): string {
  const path = findCommand(name);
  if (path === null) throw new ObserveError(name, 'no such command; install it or mend PATH');
  return path;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // PATH may name directories that are not there: that is the answer no, not a failure.
    return false;
  }
}
