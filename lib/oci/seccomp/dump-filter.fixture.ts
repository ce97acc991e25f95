/**
 * The seccomp filter of a running process, as the kernel gives it out again: for comparing what two
 * runtimes load. ptrace(2) PTRACE_SECCOMP_GET_FILTER
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first filter of process `pid`. `directory` is for a program that asks; needs a C compiler. */
export function dumpFilter(pid: number, directory: string): Uint8Array {
  const source = join(directory, 'dump.c');
  const program = join(directory, 'dump');
  writeFileSync(source, SOURCE);
  execFileSync('cc', ['-o', program, source]);
  return execFileSync(program, [String(pid)]);
}

const SOURCE = `
#include <stdio.h>
#include <stdlib.h>
#include <linux/filter.h>
#include <linux/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
extern long ptrace(int request, ...);
int main(int argc, char **argv) {
  static struct sock_filter code[4096];
  int pid = atoi(argv[1]), count;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0)) return 1;
  waitpid(pid, NULL, __WALL);
  count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, code);
  if (count < 1) return 2;
  fwrite(code, sizeof code[0], count, stdout);
  return 0;
}
`;
