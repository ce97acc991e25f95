/**
 * A runtime without one of its host actions, to see whether anything notices; for its program's
 * lines there is lib/launch/mutate.ts.
 */
import type { Action } from '../host/action.ts';
import { ContainerError } from './container-error.ts';
import type { Runtime } from './runtime.ts';

/** PID_MAX_LIMIT of linux/threads.h: stands for a pid that is not known yet; no process has it. */
export const NO_PID = 4 * 1024 * 1024;

/** What is done at the gate, as a list to look at and not to do. */
export const connectionsOf = (runtime: Runtime): readonly Action[] => runtime.connect(NO_PID);

/** The host's half, in the order of its doing. */
export const actionsOf = (runtime: Runtime): readonly Action[] => [
  ...runtime.prepare,
  ...connectionsOf(runtime),
];

/** `runtime` without the action of that name. Throws ContainerError when it has none. */
export function withoutAction(runtime: Runtime, name: string): Runtime {
  const names = actionsOf(runtime).map((action) => action.name);
  if (!names.includes(name)) {
    const there = names.length > 0 ? names.join(', ') : 'none at all';
    throw new ContainerError(`there is no host action "${name}" in the runtime; it has ${there}`);
  }
  const others = (actions: readonly Action[]) => actions.filter((action) => action.name !== name);
  return {
    ...runtime,
    prepare: others(runtime.prepare),
    connect: (pid) => others(runtime.connect(pid)),
  };
}
