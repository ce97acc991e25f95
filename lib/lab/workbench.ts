/**
 * Where a lab is done: a host to break, a root filesystem of its own, and subjects, the runtimes
 * that containers are started with. Closing it ends every container and brings the machine back;
 * after a crash the journal does (lib/host).
 */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { dirname } from 'node:path';
import { planCgroup } from '../cgroups/plan.ts';
import { type CgroupSite, detectSite } from '../cgroups/site.ts';
import { processesOf, startContainer } from '../container/run.ts';
import type { Container, Runtime } from '../container/runtime.ts';
import { recover } from '../host/clean.ts';
import { type Host, openHost, type UndoReport } from '../host/host.ts';
import { openShare, type Share } from '../host/share.ts';
import { stateDirectory } from '../host/state.ts';
import { describeLine } from '../launch/explain.ts';
import { replaceExec, withoutLine } from '../launch/mutate.ts';
import type { Line, Program } from '../launch/program.ts';
import { openStreams } from '../launch/streams.ts';
import { networkOf } from '../network/command.ts';
import { startOutside } from '../network/outside.ts';
import { planNetwork } from '../network/plan.ts';
import type { Server } from '../network/server.ts';
import { isOnOverlay, placeForUppers } from '../overlay/place.ts';
import { planLayers } from '../overlay/plan.ts';
import { copyRootfs } from '../rootfs/copy-rootfs.ts';
import { ensureRootfs } from '../rootfs/rootfs-cache.ts';
import { openContainerShell } from './container-shell.ts';
import type { RuntimeModule } from './lab.ts';
import { LabError } from './lab-error.ts';
import { type OwnedLabHost, realHost, startLabHost } from './lab-host.ts';
import type { LabImages } from './lab-images.ts';
import { usesImages } from './lab-needs.ts';
import type { LabHost, Running, StartRequest, Subject } from './subject.ts';

export interface WorkbenchOptions {
  /** The lab's number; the run is named after it. */
  number: string;
  /** A root filesystem to copy, in place of one made from the host's binaries. */
  rootfs?: string | undefined;
  /** Leave the run's directory when closing. */
  keep?: boolean | undefined;
  /** The machine's own network and mounts in place of the lab's host. */
  onHost?: boolean | undefined;
}

export interface Workbench {
  host: LabHost;
  rootfs: string;
  directory: string;
  /** Does what the containers of this run have in common. */
  share: Share;
  subjectFor(module: RuntimeModule, name: string): Subject;
  close(): Promise<void>;
}

/** What a container of a lab gets as its environment. */
export const labEnvironment = (id: string): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  TERM: process.env.TERM ?? 'dumb',
  container: id,
});

/** Brings back what dead runs have left, then sets up. Throws RootfsError, HostError, LaunchError. */
export async function openWorkbench(options: WorkbenchOptions): Promise<Workbench> {
  await recover();
  const id = `lab${options.number}-${randomBytes(3).toString('hex')}`;
  const owned = await openHost(id);
  const open = new Set<Running>();
  const counter = { started: 0 };
  let labHost: OwnedLabHost | undefined;
  let outside: Promise<Server> | undefined;
  let images: LabImages | null = null;
  const close = async () => {
    // One that fails must not keep the others from being ended; the first failure is told.
    const failures: unknown[] = [];
    const attempt = async (work: () => Promise<unknown>) => {
      await work().catch((error: unknown) => failures.push(error));
    };
    for (const running of [...open].reverse()) await attempt(running.end);
    // An error of its start has been thrown to whoever asked for it.
    const server = await outside?.catch(() => undefined);
    if (server) await attempt(() => server.end());
    await attempt(async () => labHost?.end());
    await attempt(async () => assertUndone(await owned.undo({ keep: options.keep ?? false })));
    if (failures.length > 0) throw failures[0];
  };
  try {
    const rootfs = `${owned.directory}/rootfs`;
    // Before the lab's host takes over the mount table.
    if (isOnOverlay(owned.directory)) await owned.do(placeForUppers(owned.directory));
    if (usesImages(options.number)) {
      const { makeLabImages } = await imageRoom();
      images = await makeLabImages(owned.directory, { rootfs, tree: options.rootfs });
    } else await prepareRootfs(rootfs, options.rootfs);
    labHost = await openLabHost(owned, `${id}-host`, options.onHost ?? false);
  } catch (error) {
    await close();
    throw error;
  }
  const host = labHost;
  const rootfs = `${owned.directory}/rootfs`;
  const share = openShare(owned);
  const making = {
    host,
    rootfs,
    images,
    prefix: id,
    counter,
    open,
    share,
    site: detectSite(id),
    outside: () => (outside ??= startOutside({ owned, place: placeOf(host), tag: tagOf(id) })),
  };
  const subjectFor = (module: RuntimeModule, name: string) =>
    makeSubject({ ...making, module, name });
  return { host, rootfs, directory: owned.directory, share, subjectFor, close };
}

/** Half of a lab's start to load, and most labs have no images. */
const imageRoom = () => import('./lab-images.ts');

/** Where the host's half of a container works. */
const placeOf = ({ origin }: OwnedLabHost) => origin && networkOf(origin.pid);

/** Names the network of a run. */
const tagOf = (id: string) => id.replace(/^.*-/, '');

/** What could not be undone stays in the journal; the reader has to know. */
function assertUndone({ failed }: UndoReport): void {
  if (failed.length === 0) return;
  const what = failed.map(({ name, error }) => `${name}: ${error}`).join('; ');
  throw new LabError(`not undone: ${what}; \`npm run clean\` tries again`, 1);
}

async function prepareRootfs(target: string, given: string | undefined): Promise<void> {
  if (given) return cp(given, target, { recursive: true, verbatimSymlinks: true });
  const cached = await ensureRootfs(stateDirectory());
  await copyRootfs(cached.path, target);
}

/** Beside the root that containers share: what each of them has of its own. */
const layersOf = (rootfs: string) => `${dirname(rootfs)}/layers`;

/** What is started on it is in the journal first, so that a crash leaves none of it running. */
async function openLabHost(owned: Host, id: string, real: boolean): Promise<OwnedLabHost> {
  await owned.do(processesOf(id, realpathSync(`${owned.directory}/rootfs`)));
  return real ? realHost(id) : startLabHost(id);
}

interface Making {
  module: RuntimeModule;
  name: string;
  host: OwnedLabHost;
  rootfs: string;
  images: LabImages | null;
  prefix: string;
  counter: { started: number };
  open: Set<Running>;
  share: Share;
  site: CgroupSite;
  outside: () => Promise<Server>;
}

function makeSubject(making: Making): Subject {
  const { module, name, host, rootfs, images, prefix, counter, site, outside } = making;
  const begin = async (runtimeOf: (container: Container) => Runtime, request: StartRequest) => {
    const count = ++counter.started;
    const id = `${prefix}-${count}`;
    const container: Container = {
      id,
      rootfs,
      hostname: request.hostname ?? 'box',
      argv: request.argv ?? ['/bin/sh'],
      env: { ...labEnvironment(id), ...request.env },
      network: planNetwork(tagOf(prefix), count),
      layers: planLayers(
        `${layersOf(rootfs)}/${count}`,
        images ? await (await imageRoom()).lowersOf(images, request.image) : [rootfs],
      ),
      cgroup: planCgroup(request.cgroups ?? site, id),
      limits: request.limits,
      host: placeOf(host),
    };
    const running = await startRunning(container, runtimeOf(container), making, request);
    making.open.add(running);
    return running;
  };
  const { join, unpack } = module;
  return {
    without: (line) =>
      makeSubject({
        ...making,
        name: `${name} without ${line}`,
        module: moduleWithout(module, line),
      }),
    under: (other, label) => makeSubject({ ...making, module: other, name: label }),
    name,
    rootfs,
    host,
    images,
    outside,
    ...(unpack && { unpack }),
    start: (request = {}) =>
      begin((container) => withCalls(module.runtime(container), container.id, request), request),
    ...(join && {
      join: (target, { namespaces, argv }) =>
        begin(({ env }) => only(join({ pid: target.pid, namespaces, argv, env })), { argv }),
    }),
  };
}

const only = (program: Program): Runtime => ({ prepare: [], program, connect: () => [] });

/** The calls of a probe or an attack in place of execve; what they execute is marked as ours. */
function withCalls(runtime: Runtime, id: string, { calls }: StartRequest): Runtime {
  if (!calls) return runtime;
  const { lines, ...program } = replaceExec(runtime.program, calls);
  return { ...runtime, program: { ...program, lines: lines.map((line) => mark(line, id)) } };
}

function mark(line: Line, id: string): Line {
  if (line.kind !== 'call' || line.call !== 'execve') return line;
  const [path, argv, environ] = line.args;
  return {
    ...line,
    args: [path ?? '', argv ?? null, [...(environ as string[]), `container=${id}`]],
  };
}

/** How mutants name a line of `join`. */
const OF_JOIN = 'join: ';

function moduleWithout(module: RuntimeModule, text: string): RuntimeModule {
  const { runtime, join } = module;
  if (join && text.startsWith(OF_JOIN)) {
    const line = text.slice(OF_JOIN.length);
    return { ...module, join: (target) => leaveOut(join(target), line) };
  }
  const without = (made: Runtime) => ({ ...made, program: leaveOut(made.program, text) });
  return { ...module, runtime: (container) => without(runtime(container)) };
}

function leaveOut(program: Program, text: string): Program {
  const index = program.lines.findIndex((line) => describeLine(line, program).startsWith(text));
  return withoutLine(program, index);
}

async function startRunning(
  container: Container,
  runtime: Runtime,
  { host, open, share }: Making,
  request: StartRequest,
): Promise<Running> {
  const owned = await openHost(container.id);
  const streams = openStreams({ stdin: 'pipe', stdout: 'pipe', stderr: 'stdout' });
  const starting = streams.hand((given) =>
    startContainer(runtime, owned, {
      id: container.id,
      streams: given,
      from: host.origin ?? undefined,
      timed: request.timed ?? false,
      share,
    }),
  );
  const started = await starting.catch(async (error: unknown) => {
    await owned.undo();
    throw error;
  });
  const { stdin, stdout } = streams;
  if (!stdin || !stdout) throw new Error('a container of a lab has pipes for its streams');
  const shell = openContainerShell(stdin, stdout);
  const end = async () => {
    if (!open.delete(running)) return;
    started.kill();
    await started.exited;
    stdin.destroy();
    stdout.destroy();
    assertUndone(await owned.undo());
  };
  const running: Running = {
    pid: started.pid,
    id: container.id,
    results: started.results,
    network: container.network,
    layers: container.layers,
    cgroup: container.cgroup,
    type: (command) => shell.type(command),
    output: () => shell.rest(),
    exited: started.exited,
    kill: started.kill,
    end,
    [Symbol.asyncDispose]: end,
  };
  return running;
}
