/**
 * `npm run build`: the command lines as standalone executables, dist/box-runtime for now. They hold
 * Bun and our source as its bytecode, and run where there is no Node. Cold start is what an engine
 * pays three or four times for a container.
 *
 * https://bun.sh/docs/bundler/executables
 */
import { mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const root = fileURLToPath(new URL('..', import.meta.url));
const programs = [{ entry: 'lib/cli/box-runtime.ts', out: 'dist/box-runtime' }];

mkdirSync(`${root}dist`, { recursive: true });
for (const { entry, out } of programs) {
  const flags = [
    '--compile',
    '--bytecode',
    '--minify',
    // Whoever starts it does so in a bundle's directory: nothing that lies there is to be read.
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
  ];
  const { exitCode } = await execa('bun', ['build', ...flags, entry, '--outfile', out], {
    cwd: root,
    preferLocal: true,
    stdio: 'inherit',
    reject: false,
  });
  if (exitCode !== 0) {
    process.exitCode = 1;
    break;
  }
  console.log(`${out}: ${Math.round(statSync(`${root}${out}`).size / 1e6)} MB`);
}
