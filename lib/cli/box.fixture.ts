/**
 * `box` as a process of its own, from source and as the executable, with a store and a configuration
 * that are there for one test.
 */
import { mkdirSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach } from 'vitest';
import { removeTree } from '../host/remove-tree.ts';
import {
  makeImage,
  makeLayer,
  makeTar,
  type TestImage,
  writeTestLayout,
} from '../image/transfer/image.fixture.ts';

const SOURCE = fileURLToPath(new URL('box.ts', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/box', import.meta.url));

export interface Form {
  form: string;
  argv: [string, ...string[]];
}

export const FORMS: Form[] = [
  { form: 'the source', argv: [process.execPath, SOURCE] },
  { form: 'dist/box', argv: [BUILT] },
];

/** Why that form cannot be tried; null where it can. */
function whyNot({ form }: Form): string | null {
  if (form === 'the source') return null;
  const built = statSync(BUILT, { throwIfNoEntry: false });
  if (!built) return 'dist/box is not built: npm run build';
  const lib = fileURLToPath(new URL('..', import.meta.url));
  const changed = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(name))
    .some((name) => statSync(join(lib, name)).mtimeMs > built.mtimeMs);
  return changed ? 'dist/box is older than the source: npm run build' : null;
}

/** A place for each test of that form, which is skipped where there is no such form. */
export function givePlaces(form: Form, take: (place: BoxPlace) => void): void {
  let place: BoxPlace | undefined;
  beforeEach((context) => {
    const missing = whyNot(form);
    if (missing) context.skip(missing);
    place = openBox(form);
    take(place);
  });
  afterEach(() => place?.remove());
}

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export interface BoxPlace {
  /** A directory for the test's own files; the store is `root` in it. */
  base: string;
  root: string;
  env: Record<string, string>;
  box(...args: string[]): Promise<Ran>;
  /** With this as its input. */
  feed(input: string | Buffer, ...args: string[]): Promise<Ran>;
  remove(): void;
}

/** Below /var/tmp: what a build mounts cannot lie on an overlay, as /tmp may be one. */
function openBox({ argv }: Form): BoxPlace {
  const base = mkdtempSync('/var/tmp/unboxed-box-');
  const root = join(base, 'root');
  mkdirSync(join(base, 'config'));
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: base,
    TZ: 'UTC',
    TMPDIR: tmpdir(),
    BOX_ROOT: root,
    DOCKER_CONFIG: join(base, 'config'),
  };
  const run = async (input: string | Buffer, args: string[]): Promise<Ran> => {
    const [program, ...before] = argv;
    const options = { env, extendEnv: false, reject: false, input, cwd: base } as const;
    const { exitCode, stdout, stderr, signal } = await execa(program, [...before, ...args], {
      ...options,
      stripFinalNewline: false,
    });
    return { code: exitCode ?? (signal ? 128 : -1), out: stdout, err: stderr };
  };
  return {
    base,
    root,
    env,
    box: (...args) => run('', args),
    feed: (input, ...args) => run(input, args),
    remove: () => removeTree(base),
  };
}

/** An OCI layout below `base` with these images, by tag: each list is its layers' files. */
export function layoutOf(
  base: string,
  images: Record<string, Record<string, string>[]>,
): { directory: string; images: Record<string, TestImage> } {
  const made = Object.fromEntries(
    Object.entries(images).map(([tag, layers]) => [
      tag,
      makeImage(layers.map((files) => makeLayer(makeTar(files)))),
    ]),
  );
  const directory = join(base, 'layout');
  writeTestLayout(directory, made);
  return { directory, images: made };
}
