/** Before the first lab: a new process and an execve. What does it bring along? */
import type { Container, Runtime } from '../../lib/container/runtime.ts';
import { launch } from '../../lib/launch/program.ts';

export function runtime({ argv, env }: Container): Runtime {
  const program = launch({}, (call) => {
    call.execve(argv[0] ?? '', argv, env);
  });
  return { prepare: [], program, connect: () => [] };
}
