/**
 * Files that the kernel writes while they are read. They have no size, they may vanish between two
 * reads because the process behind them ends, and some are closed to everybody but their owner.
 * Everything here is synchronous: Node's pool threads may live in other namespaces than its main
 * thread, and would then read another machine's truth.
 *
 * proc(5), sysfs(5)
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ObserveError } from './error.ts';

/** A process as /proc names it. */
export type ProcId = number | 'self';

const ABSENT = new Set(['ENOENT', 'ESRCH', 'ENOTDIR']);
const CLOSED = new Set(['EACCES', 'EPERM']);

/** The file's text. Throws ObserveError when it is absent or closed to us. */
export function readProcFile(path: string): string {
  return observe(path, () => readFileSync(path, 'utf8'));
}

/** Where the symbolic link points. Throws ObserveError when it is absent or closed to us. */
export function readProcLink(path: string): string {
  return observe(path, () => readlinkSync(path));
}

/** The names in a directory. Throws ObserveError when it is absent or closed to us. */
export function readProcDirectory(path: string): string[] {
  return observe(path, () => readdirSync(path));
}

/** What `read` returns, or null when that thing is absent or closed to us. */
export function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ObserveError && (isAbsent(error) || isClosed(error))) return null;
    throw error;
  }
}

/** What `read` returns, or null when that thing is absent; a closed one still throws. */
export function orGone<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ObserveError && isAbsent(error)) return null;
    throw error;
  }
}

function isAbsent(error: ObserveError): boolean {
  return error.code !== null && ABSENT.has(error.code);
}

function isClosed(error: ObserveError): boolean {
  return error.code !== null && CLOSED.has(error.code);
}

function observe<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new ObserveError(path, explain(code), { code, cause });
  }
}

function explain(code: string): string {
  if (ABSENT.has(code)) return `${code} (the process has ended, or this kernel has no such file)`;
  if (CLOSED.has(code)) return `${code} (it belongs to another user or namespace; try as root)`;
  return code;
}
