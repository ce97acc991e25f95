/**
 * Programs that run at points of a container's life, one after the other, each with the container's
 * state on its standard input. A hook that fails is the end of the list and of the container, which is
 * deleted then; of `poststop` only a warning is given.
 *
 *   create   prestart, createRuntime    here, while the container waits in its new namespaces
 *            createContainer            in its namespaces, before its root is exchanged
 *   start    startContainer             in its namespaces, its root in place, before its program
 *            poststart                  here, when its program runs
 *   delete   poststop                   here, when nothing is left of it
 *
 * OCI runtime-spec config.md "POSIX-platform Hooks", runtime.md "Lifecycle"
 */
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { kernel } from '../kernel/call.ts';
import {
  CLOSE_RANGE_CLOEXEC,
  MFD_CLOEXEC,
  SIG_SETMASK,
  SIGPIPE,
  SIGXFSZ,
} from '../kernel/constants.ts';
import { launch, type Program } from '../launch/program.ts';
import { differingNamespaces } from '../namespaces/joining.ts';
import { type Identity, isSame } from '../observe/identity.ts';
import { OciError } from './oci-error.ts';
import { environmentOf } from './process.ts';
import type { Hook, HookName, Hooks, State } from './spec.ts';

export interface HookOptions {
  /** The process whose namespaces a hook runs in; it waits meanwhile. */
  inside?: { pid: number };
  /** The process that waits meanwhile: when it is gone, a hook that still runs is ended. */
  waiting?: Identity;
}

const LOOK_AGAIN_MS = 20;

/** How a hook ended: an exit status, a signal's name, or that its time was over. */
interface Ended {
  how: string | null;
  output: string;
}

/** Throws OciError for the first that fails; those after it are not run. */
export async function runHooks(
  hooks: Hooks | undefined,
  name: HookName,
  state: State,
  options: HookOptions = {},
): Promise<void> {
  for (const [index, hook] of (hooks?.[name] ?? []).entries()) {
    const failure = await failureOf(hook, state, options);
    if (failure) throw new OciError(`hooks.${name}[${index}]: ${hook.path}: ${failure}`);
  }
}

/** All of them, whatever becomes of one. What went wrong, a line for each. */
export async function runHooksAnyway(
  hooks: Hooks | undefined,
  name: HookName,
  state: State,
): Promise<string[]> {
  const warnings: string[] = [];
  for (const [index, hook] of (hooks?.[name] ?? []).entries()) {
    const failure = await failureOf(hook, state, {});
    if (failure) warnings.push(`hooks.${name}[${index}]: ${hook.path}: ${failure}`);
  }
  return warnings;
}

async function failureOf(hook: Hook, state: State, { inside, waiting }: HookOptions) {
  const over = new AbortController();
  const look = waiting
    ? setInterval(() => isSame(waiting) || over.abort(), LOOK_AGAIN_MS).unref()
    : undefined;
  const run = inside
    ? runInside(hook, state, inside.pid, over.signal)
    : runHere(hook, state, over.signal);
  const { how, output } = await run.catch((error: unknown) => ({
    how: error instanceof Error ? error.message : String(error),
    output: '',
  }));
  clearInterval(look);
  if (how === null) return null;
  if (waiting && !isSame(waiting)) return 'the container was killed meanwhile';
  const said = output.trim();
  return said === '' ? how : `${how}; it said: ${said}`;
}

/** A state of which a hook reads nothing is no error. */
async function runHere(hook: Hook, state: State, over: AbortSignal): Promise<Ended> {
  const { path, args, env, timeout } = hook;
  // Not before it is needed: most containers have no hooks, and loading it takes its time.
  const { spawn } = await import('node:child_process');
  const [argv0 = path, ...rest] = args ?? [];
  const child = spawn(path, rest, {
    argv0,
    cwd: state.bundle,
    env: environmentOf(env),
    ...(timeout === undefined ? {} : { timeout: timeout * 1000, killSignal: 'SIGKILL' }),
  });
  over.addEventListener('abort', () => child.kill('SIGKILL'));
  const ended = new Promise<string | null>((resolve, reject) => {
    child.once('error', reject);
    // Whoever it has left behind may hold its output open: that is not waited for.
    child.once('exit', (code, signal) => {
      resolve(signal ? ending(signal, timeout) : code === 0 ? null : `exit status ${code}`);
    });
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(state));
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (data: string) => {
      said[stream] += data;
    });
  }
  const how = await ended;
  await new Promise(setImmediate);
  child.stdout.destroy();
  child.stderr.destroy();
  return { how, output: said.stderr + said.stdout };
}

async function runInside(hook: Hook, state: State, pid: number, over: AbortSignal): Promise<Ended> {
  // A process that shares memory with ours cannot join a time namespace; its clocks stay the host's.
  const namespaces = differingNamespaces(pid).filter((kind) => kind !== 'time');
  const { start } = await import('../launch/start.ts');
  using files = new DisposableStack();
  // Not pipes: whoever a hook has left behind may hold its output open, and that is not waited for.
  const memory = (name: string) => files.adopt(kernel.memfdCreate(name, MFD_CLOEXEC), closeSync);
  const [input, output] = [memory('state'), memory('output')];
  writeSync(input, JSON.stringify(state), 0);
  const child = await start(hookProgram(hook, namespaces.includes('user')), {
    from: { pid, namespaces },
    streams: [input, output, output],
  });
  over.addEventListener('abort', () => child.kill());
  const { timeout } = hook;
  const timer = timeout === undefined ? null : setTimeout(() => child.kill(), timeout * 1000);
  const { signal, code } = await child.exited;
  if (timer) clearTimeout(timer);
  const how = signal ? ending(signal, timeout) : code === 0 ? null : `exit status ${code}`;
  const said = Buffer.alloc(fstatSync(output).size);
  readSync(output, said, { position: 0 });
  return { how, output: said.toString() };
}

function hookProgram({ path, args, env }: Hook, asRoot: boolean): Program {
  return launch({}, (call) => {
    // Its user namespace is joined with ids that need not be mapped there.
    if (asRoot) {
      call.setgid(0);
      call.setuid(0);
    }
    call.rtSigprocmask(SIG_SETMASK, []);
    for (const signal of [SIGPIPE, SIGXFSZ]) call.rtSigaction(signal, 'SIG_DFL');
    call.closeRange(3, 0xffffffff, CLOSE_RANGE_CLOEXEC);
    call.execve(path, args ?? [path], environmentOf(env));
  });
}

const ending = (signal: string, timeout: number | undefined) =>
  signal === 'SIGKILL' && timeout !== undefined
    ? `killed after its timeout of ${timeout} s, or by somebody else`
    : `killed by ${signal}`;
