/**
 * Until its execve a container's process runs our program, which its /proc/self/exe leads to: an
 * image whose program is a link to that, or a script that names it as its interpreter, would run our
 * file with the image's libraries, keep it open, and write into it when nobody runs it any more.
 * So an empty file of memory is made the process's program: all that it runs by then is the stub.
 *
 * CVE-2019-5736; PR_SET_MM(2const), memfd_create(2)
 */
import { existsSync } from 'node:fs';
import {
  F_DUPFD_CLOEXEC,
  MFD_CLOEXEC,
  PR_SET_DUMPABLE,
  PR_SET_MM,
  PR_SET_MM_MAP,
} from '../kernel/constants.ts';
import { encodeMmMap } from '../kernel/structs.ts';
import type { Calls } from '../launch/program.ts';

const NAME = 'box-runtime';
/** linux/memfd.h, since Linux 6.3. */
const MFD_EXEC = 0x10;
/** Free in a child that has closed what was ours. */
const FREE_DESCRIPTOR = 200;

/**
 * The first lines of a program that is a copy of ours. `confined`: in a user namespace our program
 * belongs to nobody, and a process that cannot be looked into has its /proc owned by nobody as well.
 */
export function leaveOwnProgram(call: Calls, confined: boolean, preserveFds: number): void {
  // Nor is what it has open, until then, to be had through /proc.
  if (!confined) call.prctl(PR_SET_DUMPABLE, 0);
  // Since Linux 6.3 a machine can have it that such a file may not be executed, if nothing is said.
  const executable = existsSync('/proc/sys/vm/memfd_noexec') ? MFD_EXEC : 0;
  const empty = call.memfdCreate(NAME, MFD_CLOEXEC | executable);
  const fd = FREE_DESCRIPTOR + preserveFds;
  const known = call.fcntl(empty, F_DUPFD_CLOEXEC, fd);
  // In a user namespace it may not be had, and our file not be written, unless it is that user's.
  const wanted = confined ? call.attempt : call;
  wanted.prctl(PR_SET_MM, PR_SET_MM_MAP, encodeMmMap({ exe: fd }), MM_MAP_SIZE);
  call.close(known);
  call.close(empty);
}

const MM_MAP_SIZE = 104;
