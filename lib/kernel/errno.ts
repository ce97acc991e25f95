/**
 * Error numbers and their names. errno(3)
 */
import { constants } from 'node:os';
import { strerror } from './libc.ts';

const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Node names what libuv knows; the kernel returns these as well.
const more: [number, string][] = [
  [15, 'ENOTBLK'],
  [87, 'EUSERS'],
  [117, 'EUCLEAN'],
  [126, 'ENOKEY'],
];
for (const [number, name] of more) names.set(number, names.get(number) ?? name);
// Node knows this number as EWOULDBLOCK as well, which no man page says of clone3.
names.set(constants.errno.EAGAIN, 'EAGAIN');

/** `EPERM` for 1; the number itself for one that has no name here. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** `EPERM (Operation not permitted)`. */
export function formatErrno(errno: number): string {
  return `${errnoName(errno)} (${strerror(errno)})`;
}
