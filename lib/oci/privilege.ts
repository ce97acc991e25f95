/**
 * What this process may do to the machine. Root in a user namespace has every capability too, and may
 * do with them only what is that namespace's.
 *
 * user_namespaces(7), proc_pid_uid_map(5)
 */
import { readFileSync } from 'node:fs';

/** Whether it is root of the machine. */
export const isPrivileged = (): boolean => process.geteuid?.() === 0 && !isInUserNamespace();

/** Whether its user namespace is not the machine's: as in a rootless engine, or in a container. */
export function isInUserNamespace(): boolean {
  const [inside, outside, size] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return inside !== '0' || outside !== '0' || size !== '4294967295';
}
