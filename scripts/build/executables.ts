/**
 * The command lines as standalone executables, in dist/. They hold Bun and our source as its
 * bytecode, and run where there is no Node.
 *
 * https://bun.sh/docs/bundler/executables
 */
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { pinnedBun } from '../bootstrap/bun.mjs';

const PROGRAMS = ['box-runtime', 'box'].map((name) => ({
  entry: `lib/cli/${name}.ts`,
  out: `dist/${name}`,
}));

const FLAGS = [
  '--compile',
  '--bytecode',
  '--format=esm',
  '--minify',
  // A command is over before what it compiled for speed has paid: a third of its time, and memory.
  '--compile-jit-policy=1000',
  // Whoever starts it does so in a bundle's directory: nothing that lies there is to be read.
  '--no-compile-autoload-dotenv',
  '--no-compile-autoload-bunfig',
];

export interface Built {
  /** Below the checkout's root. */
  path: string;
  bytes: number;
}

/** Brings Bun where it is missing. Throws InstallError, and ExecaError with what Bun says. */
export async function buildExecutables(
  root: string,
  say: (line: string) => void,
): Promise<Built[]> {
  const bun = await pinnedBun(root, say);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const built: Built[] = [];
  for (const { entry, out } of PROGRAMS) {
    // An executable that runs cannot be written to; and whoever starts it meanwhile gets all of one.
    const unfinished = `${out}.${process.pid}`;
    await execa(bun, ['build', ...FLAGS, entry, '--outfile', unfinished], { cwd: root });
    renameSync(join(root, unfinished), join(root, out));
    built.push({ path: out, bytes: statSync(join(root, out)).size });
  }
  return built;
}
