/**
 * Containers of a lab's runtime that somebody watches: on a terminal, with the clock, or one call
 * at a time. Steps, checks and attacks start theirs through the subject, see workbench.ts.
 */
import { explainRuntime, type RuntimeRow } from '../container/explain.ts';
import { processesOf, startContainer } from '../container/run.ts';
import type { Container, Runtime } from '../container/runtime.ts';
import type { Action } from '../host/action.ts';
import { openHost } from '../host/host.ts';
import { runInteractive } from '../launch/interactive.ts';
import type { Child, StartOptions } from '../launch/start.ts';
import { openStreams } from '../launch/streams.ts';
import type { RuntimeModule } from './lab.ts';
import type { OwnedLabHost } from './lab-host.ts';
import type { Workbench } from './workbench.ts';

export interface Watched {
  container: Container;
  runtime: Runtime;
  /** Where the program starts from, and what the host does at its gate. */
  launch: Pick<StartOptions, 'atGate' | 'from'>;
}

class Described extends Error {
  container: Container;
  constructor(container: Container) {
    super('only described, not started');
    this.container = container;
  }
}

/** The next container of `workbench`, with a name and a network of its own; nothing is done. */
async function describeContainer(
  workbench: Workbench,
  argv: readonly string[] = ['/bin/sh'],
): Promise<Container> {
  // A runtime is asked before anything is done: this one answers by giving the question back.
  const asked = workbench.subjectFor(
    {
      runtime: (container) => {
        throw new Described(container);
      },
    },
    'a description',
  );
  try {
    await asked.start({ argv });
  } catch (error) {
    if (error instanceof Described) return error.container;
    throw error;
  }
  throw new Error('a container was started without a runtime');
}

interface Preparing {
  argv?: readonly string[];
  /** Added to the container's environment. */
  env?: Readonly<Record<string, string>>;
  /** Called before each host action. */
  around?: (action: Action) => Promise<void>;
}

/** Does the host's half for one container, lets `use` launch it, and undoes the host's half. */
export async function withPrepared<T>(
  workbench: Workbench,
  module: RuntimeModule,
  request: Preparing,
  use: (watched: Watched) => Promise<T>,
): Promise<T> {
  const { argv, env, around } = request;
  const described = await describeContainer(workbench, argv);
  const container = { ...described, env: { ...described.env, ...env } };
  const runtime = module.runtime(container);
  const owned = await openHost(container.id);
  const act = async (action: Action) => {
    await around?.(action);
    await (action.shared ? workbench.share(action) : owned.do(action));
  };
  let connected = false;
  const atGate = async (_gate: string, pid: number) => {
    if (connected) return;
    connected = true;
    for (const action of runtime.connect(pid)) await act(action);
  };
  try {
    await owned.do(processesOf(container.id));
    for (const action of runtime.prepare) await act(action);
    const from = (workbench.host as OwnedLabHost).origin ?? undefined;
    return await use({ container, runtime, launch: { atGate, from } });
  } finally {
    await owned.undo();
  }
}

/** A shell in a container, on this process's terminal, until it ends or `signal` is aborted. */
export async function openShell(
  workbench: Workbench,
  module: RuntimeModule,
  signal: AbortSignal,
): Promise<void> {
  const onStart = (child: Child) => signal.addEventListener('abort', () => child.kill());
  await withPrepared(workbench, module, { env: { PS1: 'box# ' } }, async ({ runtime, launch }) => {
    // A network is tried out by talking to somebody beyond it.
    const networked = runtime.program.namespaces.includes('network');
    if (networked) await workbench.subjectFor(module, 'a shell').outside();
    return runInteractive(runtime.program, { ...launch, onStart });
  });
  signal.throwIfAborted();
}

/** The runtime in print: as it stands, or with the answers and times of one start. */
export async function explainLab(
  workbench: Workbench,
  module: RuntimeModule,
  { timed }: { timed: boolean },
): Promise<{ rows: RuntimeRow[]; times: ReadonlyMap<string, number> }> {
  const container = await describeContainer(workbench);
  const runtime = module.runtime(container);
  const times = new Map<string, number>();
  if (!timed) return { rows: explainRuntime(runtime), times };
  const owned = await openHost(container.id);
  const clock = (act: (action: Action) => Promise<void>) => async (action: Action) => {
    const begun = performance.now();
    await act(action);
    times.set(action.name, (performance.now() - begun) * 1000);
  };
  const clocked = { ...owned, do: clock(owned.do) };
  const share = clock(workbench.share);
  try {
    const { id } = container;
    const from = (workbench.host as OwnedLabHost).origin ?? undefined;
    const started = await openStreams('null').hand((streams) =>
      startContainer(runtime, clocked, { id, streams, from, share, timed: true }),
    );
    started.kill();
    await started.exited;
    const { pid, results } = started;
    return { rows: explainRuntime(runtime, { pid, results }), times };
  } finally {
    await owned.undo();
  }
}
