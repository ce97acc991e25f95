/**
 * Where an attack takes place: a bundle with busybox as its image, and a directory of the host's
 * beside it with a file that no container is to read. A container of it is run as `box-runtime run`
 * does, from inside this process, so that a line can be taken out of its program.
 */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replaceExec } from '../../lib/launch/mutate.ts';
import type { Calls, Program } from '../../lib/launch/program.ts';
import { makeBusyboxRoot } from '../../lib/oci/busybox-root.fixture.ts';
import { exampleSpec } from '../../lib/oci/example.ts';
import { createContainer } from '../../lib/oci/life/create.ts';
import { deleteContainer } from '../../lib/oci/life/delete.ts';
import { startContainer } from '../../lib/oci/life/start.ts';
import type { Spec } from '../../lib/oci/spec.ts';
import { validateSpec } from '../../lib/oci/validate.ts';

export const SECRET = 'the-host-is-open';

const LIMIT_MS = 10_000;

export interface RunOptions {
  script?: string;
  calls?: (call: Calls, scene: Scene) => void;
  change?: (spec: Required<Spec>, scene: Scene) => void;
  rewrite?: (program: Program, scene: Scene) => Program;
  preserveFds?: number;
}

export interface Ran {
  status: number | null;
  stdout: string;
  stderr: string;
  /** Why there was no container. */
  refused?: string;
}

export interface Scene extends Disposable {
  directory: string;
  rootfs: string;
  /** The host's. */
  outside: string;
  /** Of a file in it. */
  secret: string;
  root: string;
  id: string;
  run(options: RunOptions): Promise<Ran>;
  /** For a container that is made by another process, with this program. */
  writeConfig(args: readonly string[]): void;
  /** Nothing is left of a container. */
  clear(): Promise<void>;
}

const DIRECTORIES = ['proc', 'dev', 'sys', 'etc', 'tmp', 'mnt'];
const APPLETS = 'sh cat ls mount umount mknod kill head sleep grep mkdir readlink id'.split(' ');

let scenes = 0;

export function makeScene(): Scene {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'unboxed-attack-')));
  const [rootfs, outside, root] = ['rootfs', 'outside', 'state'].map((it) => join(directory, it));
  if (!rootfs || !outside || !root) throw new TypeError('three paths of three names');
  makeBusyboxRoot(rootfs, { directories: DIRECTORIES, applets: APPLETS });
  mkdirSync(outside);
  const secret = join(outside, 'secret');
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  const id = `attack-${process.pid}-${++scenes}`;
  const scene: Scene = {
    directory,
    rootfs,
    outside,
    secret,
    root,
    id,
    run: (options) => runIn(scene, options),
    writeConfig: (args) => {
      const spec = exampleSpec();
      spec.process = { cwd: '/', ...spec.process, terminal: false, args: [...args] };
      writeFileSync(join(directory, 'config.json'), JSON.stringify(spec));
    },
    clear: async () => void (await deleteContainer(root, id, true)),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
  return scene;
}

async function runIn(scene: Scene, options: RunOptions): Promise<Ran> {
  const { root, id, directory } = scene;
  const [out, err] = ['stdout', 'stderr'].map((name) => join(directory, name));
  using open = new DisposableStack();
  const streams = [
    open.adopt(openSync('/dev/null', 'r'), closeSync),
    open.adopt(openSync(out ?? '', 'w'), closeSync),
    open.adopt(openSync(err ?? '', 'w'), closeSync),
  ] as const;
  const text = () => ({
    stdout: readFileSync(out ?? '', 'utf8'),
    stderr: readFileSync(err ?? '', 'utf8'),
  });
  const bundle = { directory, spec: await specOf(scene, options) };
  try {
    const child = await createContainer({
      root,
      id,
      bundle,
      streams,
      preserveFds: options.preserveFds ?? 0,
      noPivot: false,
      noNewKeyring: false,
      rewrite: (program) => rewritten(program, scene, options),
    });
    await startContainer(root, id);
    const limit = setTimeout(() => void deleteContainer(root, id, true), LIMIT_MS);
    const { code = null } = await child.wait();
    clearTimeout(limit);
    return { status: code, ...text() };
  } catch (error) {
    return { status: null, ...text(), refused: (error as Error).message };
  } finally {
    await deleteContainer(root, id, true);
  }
}

async function specOf(scene: Scene, { script = '', change }: RunOptions): Promise<Spec> {
  const spec = structuredClone(exampleSpec()) as Required<Spec>;
  spec.process.terminal = false;
  spec.process.args = ['sh', '-c', script];
  change?.(spec, scene);
  return await validateSpec(spec, 'config.json');
}

function rewritten(program: Program, scene: Scene, { rewrite, calls }: RunOptions): Program {
  const ours = rewrite ? rewrite(program, scene) : program;
  return calls ? replaceExec(ours, (call) => calls(call, scene)) : ours;
}
