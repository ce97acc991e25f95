/**
 * `npm run build`: the command lines as standalone executables, dist/box-runtime and dist/box. Cold start
 * is what an engine pays three or four times for a container.
 *
 * Exit codes: 0 built, 1 the build failed, 3 Bun is not there and could not be brought.
 */
import { fileURLToPath } from 'node:url';
import { ExecaError } from 'execa';
import { buildExecutables } from './build/executables.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  for (const { path, bytes } of await buildExecutables(root, (line) =>
    console.error(`unboxed: ${line}`),
  )) {
    console.log(`${path}: ${Math.round(bytes / 1e6)} MB`);
  }
} catch (error) {
  console.error(`build: ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof ExecaError ? 1 : 3;
}
