/**
 * Carries out a runtime: does the host's actions, starts the program, connects the child while it
 * waits at its first gate. Everything goes through the run's journal, the container's processes as
 * well, so whatever becomes of this process, nothing is left.
 *
 *   prepare: action, action, …
 *   journal: processes of ID
 *   clone  ──────────────────────────────▶ line, line, … gate
 *   connect(pid): action, action, …
 *   open the gate ───────────────────────▶ line, line, … execve
 */
import type { Action, Effect } from '../host/action.ts';
import type { Host, UndoReport } from '../host/host.ts';
import type { Share } from '../host/share.ts';
import type { Line, Program } from '../launch/program.ts';
import { type Child, type StartOptions, start } from '../launch/start.ts';
import { namespaceInode } from '../observe/namespaces.ts';
import { ContainerError } from './container-error.ts';
import { connectionsOf } from './mutate.ts';
import type { Runtime } from './runtime.ts';

export interface ContainerOptions extends Omit<StartOptions, 'atGate'> {
  /** The container's id, which its program's environment has to hold as `container`. */
  id: string;
  /** Called before every host action; one that is skipped is neither journalled nor done. */
  around?: (action: Action) => Promise<'go' | 'skip'>;
  /** Does the actions that are the run's; without it they are this container's, as all others. */
  share?: Share | undefined;
}

export interface RunningContainer extends Child {
  id: string;
  /** The host's actions that were done for it, in their order. */
  done: readonly Action[];
  /** Ends it and undoes all that `host` has done. */
  undo(): Promise<UndoReport>;
}

/**
 * Resolves when the container's own program runs. Throws ContainerError where the two lists do not
 * fit together, HostError, LaunchError or SyscallError where one of them fails: the child is gone
 * then, and what was done on the host is the caller's to undo with `host.undo()`.
 */
export async function startContainer(
  runtime: Runtime,
  host: Host,
  options: ContainerOptions,
): Promise<RunningContainer> {
  const { id, around, share, ...startOptions } = options;
  assertMarked(runtime.program, id);
  assertConnectable(runtime);
  const done: Action[] = [];
  const act = async (action: Action) => {
    if (around && (await around(action)) === 'skip') return;
    await (action.shared && share ? share(action) : host.do(action));
    done.push(action);
  };
  for (const action of runtime.prepare) await act(action);
  // Undone before them: a cgroup, or a mount that is in use, goes after its processes.
  await host.do(processesOf(id));

  let connected = false;
  const atGate = async (_gate: string, pid: number) => {
    if (connected) return;
    connected = true;
    const actions = runtime.connect(pid);
    assertApart(actions, pid, options.from);
    for (const action of actions) await act(action);
  };
  const child = await start(runtime.program, { ...startOptions, atGate });
  const undo = async () => {
    child.kill();
    await child.exited;
    return host.undo();
  };
  return { ...child, id, done, undo };
}

/** Undone without having been done: should this process die, its container must not live on. */
export const processesOf = (id: string, root?: string): Action => ({
  name: `processes of ${id}`,
  does: [],
  undoes: [{ do: 'end-processes', container: id, ...(root !== undefined && { root }) }],
  seen: { processesOf: id },
});

/** A program that executes none is tethered to this process and needs no mark. */
function assertMarked(program: Program, id: string): void {
  const environments = program.lines.flatMap((line) => environmentOf(line) ?? []);
  if (environments.every((environ) => environ.includes(`container=${id}`))) return;
  throw new ContainerError(
    `${id}: the environment given to execve lacks container=${id}, by which its processes are found after a crash; hand the container's env on`,
  );
}

function environmentOf(line: Line): [readonly string[]] | undefined {
  if (line.kind !== 'call' || line.call !== 'execve') return undefined;
  const environ = line.args[2];
  return [Array.isArray(environ) ? environ : []];
}

function assertConnectable(runtime: Runtime): void {
  const names = connectionsOf(runtime).map(({ name }) => name);
  if (names.length === 0 || runtime.program.lines.some(({ kind }) => kind === 'gate')) return;
  throw new ContainerError(
    `the program has no gate at which it would wait for: ${names.join(', ')}; add call.gate(…)`,
  );
}

/** What is done inside a namespace of the child would else be done to that of the host. */
function assertApart(actions: readonly Action[], pid: number, from: StartOptions['from']): void {
  for (const { name, does } of actions) {
    for (const kind of does.flatMap((effect) => kindsInside(effect, pid))) {
      const host = from?.namespaces.includes(kind) ? from.pid : process.pid;
      if (namespaceInode(pid, kind) !== namespaceInode(host, kind)) continue;
      throw new ContainerError(
        `${name}: the process is in the ${kind} namespace of the host, where this must not be done; add '${kind}' to the namespaces that launch makes`,
      );
    }
  }
}

const kindsInside = (effect: Effect, pid: number) =>
  effect.do === 'run' && effect.inside?.pid === pid ? effect.inside.namespaces : [];
