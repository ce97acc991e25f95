/**
 * A join as one first writes it: the namespaces are entered, and what the joining process holds
 * besides comes along. The attacks and one step of this lab show what that is.
 */
import { cloneFlags } from '../../lib/kernel/namespaces.ts';
import type { JoinFunction } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';

export const join: JoinFunction = ({ pid, namespaces, argv, env }) =>
  launch({}, (call) => {
    call.setns(call.pidfdOpen(pid, 0), cloneFlags(namespaces));
    if (namespaces.includes('pid')) call.fork(0);
    call.execve(argv[0] ?? '', argv, env);
  });
