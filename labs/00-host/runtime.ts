/**
 * The runtime after lab 00: a process that brings nothing along from the one that started it.
 * It still has the host's files, names, processes and network.
 */
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { CLOSE_RANGE_CLOEXEC, SIG_SETMASK, SIGPIPE, SIGXFSZ } from '../../lib/kernel/constants.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime({ argv, env }: Container): Runtime {
  const program = launch({}, (call) => {
    call.rtSigprocmask(SIG_SETMASK, []); // every signal was blocked around the clone
    call.rtSigaction(SIGPIPE, 'SIG_DFL'); // Node ignores these two,
    call.rtSigaction(SIGXFSZ, 'SIG_DFL'); // and what is ignored stays ignored
    call.closeRange(3, 0xffffffff, CLOSE_RANGE_CLOEXEC); // descriptors 0, 1, 2 and no more
    call.execve(argv[0] ?? '', argv, env);
  });
  return { prepare: [], program, connect: () => [] };
}
