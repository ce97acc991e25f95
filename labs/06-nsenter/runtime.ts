/**
 * The runtime after lab 06: what lab 05 starts, and a second list that puts a process into the
 * namespaces of a container that runs already. What joins brings along nothing but its program.
 */
import { execute } from '../../lib/container/execute.ts';
import type { JoinFunction } from '../../lib/lab/lab.ts';
import { launch } from '../../lib/launch/program.ts';
import { joinFlags } from '../../lib/namespaces/joining.ts';

export { runtime } from '../05-network-namespace/runtime.ts';

export const join: JoinFunction = ({ pid, namespaces, argv, env }) =>
  launch({}, (call) => {
    const target = call.pidfdOpen(pid, 0); // this process, whoever has its number later
    call.setns(target, joinFlags(namespaces)); // all of them or none
    if (namespaces.includes('pid')) call.fork(0); // only a child is in the pid namespace
    execute(call, { argv, env });
  });
