/**
 * Bundles for tests: a root with busybox, the example's configuration with a change, and the command
 * line run on it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBusyboxRoot } from './busybox-root.fixture.ts';
import { exampleSpec } from './example.ts';
import type { Spec } from './spec.ts';

const SOURCE = join(import.meta.dirname, '../cli/box-runtime.ts');
const { UNBOXED_RUNTIME } = process.env;

/**
 * What tests start: the source, or the executable that UNBOXED_RUNTIME names, which in an emulated
 * machine starts five times sooner.
 */
export const COMMAND_LINE: readonly [program: string, ...source: string[]] = UNBOXED_RUNTIME
  ? [UNBOXED_RUNTIME]
  : [process.execPath, SOURCE];
const APPLETS = [
  'sh',
  'cat',
  'id',
  'ls',
  'mount',
  'sleep',
  'true',
  'stat',
  'grep',
  'readlink',
  'head',
  'wc',
];

/** Emulated, its first start takes half a minute. */
const HANGS_MS = 120_000;

export interface TestBundle extends AsyncDisposable {
  directory: string;
  rootfs: string;
  /** State of containers. */
  root: string;
  id: string;
  configure(change: (spec: Required<Spec>) => void): void;
  /** The command line; throws where it does not end by itself. */
  box(...args: string[]): Promise<Outcome>;
  /** Runs a shell script as the container's process. */
  run(script: string, change?: (spec: Required<Spec>) => void): Promise<Outcome>;
}

export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Disposed, nothing of its containers is left. */
export function makeBundle(): TestBundle {
  const directory = mkdtempSync(join(tmpdir(), 'box-oci-'));
  const rootfs = join(directory, 'rootfs');
  const root = join(directory, 'state');
  const id = `test-${process.pid}-${directory.slice(-6)}`;
  makeBusyboxRoot(rootfs, { directories: ['proc', 'dev', 'sys', 'etc', 'tmp'], applets: APPLETS });

  let calls = 0;
  const configure: TestBundle['configure'] = (change) => {
    const spec = structuredClone(exampleSpec()) as Required<Spec>;
    if (spec.process) spec.process.terminal = false;
    change(spec);
    writeFileSync(join(directory, 'config.json'), JSON.stringify(spec));
  };
  const box: TestBundle['box'] = async (...args) => {
    const [program, ...source] = COMMAND_LINE;
    const argv = [...source, '--root', root, ...args];
    // Files, as a container that is left behind would hold a pipe open for ever.
    const [out, err] = ['out', 'err'].map((name) => join(directory, `.${name}.${calls++}`));
    using open = new DisposableStack();
    const [stdout = 1, stderr = 2] = [out, err].map((path = '') =>
      open.adopt(openSync(path, 'w'), closeSync),
    );
    const child = spawn(program, argv, {
      stdio: ['ignore', stdout, stderr],
      timeout: HANGS_MS,
      killSignal: 'SIGABRT', // by which a hang can be told from whatever else ended it
    });
    const [status, signal] = await once(child, 'exit');
    if (signal !== null) throw new Error(`box-runtime ${args.join(' ')}: ended by ${signal}`);
    const read = (path = '') => readFileSync(path, 'utf8').replace(/\n$/, '');
    return { status, stdout: read(out), stderr: read(err) };
  };
  return {
    directory,
    rootfs,
    root,
    id,
    configure,
    box,
    run(script, change = () => undefined) {
      configure((spec) => {
        spec.process.args = ['sh', '-c', script];
        change(spec);
      });
      return box('run', '-b', directory, id);
    },
    async [Symbol.asyncDispose]() {
      await box('delete', '--force', id);
      rmSync(directory, { recursive: true });
    },
  };
}
