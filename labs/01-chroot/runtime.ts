/**
 * The runtime after lab 01: a process with another root directory. Paths cannot name the host's
 * files any more. Root can still climb out.
 */
import { execute } from '../../lib/container/execute.ts';
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime(container: Container): Runtime {
  const program = launch({}, (call) => {
    call.chroot(container.rootfs); // "/" is this directory now
    call.chdir('/'); // "." was still outside
    execute(call, container);
  });
  return { prepare: [], program, connect: () => [] };
}
