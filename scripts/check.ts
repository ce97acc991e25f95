/**
 * `npm run check`: the types (tsc) and the lint and format rules (biome), one after the other and
 * both in any case. Exit code 1 if one of them finds something.
 */
import { execa } from 'execa';

const commands = [
  ['tsc', '-p', '.'],
  ['biome', 'check'],
] as const;

for (const [name, ...args] of commands) {
  const { exitCode } = await execa(name, args, {
    preferLocal: true,
    stdio: 'inherit',
    reject: false,
  });
  console.log(`${name}: ${exitCode === 0 ? 'nothing to report' : 'see above'}`);
  if (exitCode !== 0) process.exitCode = 1;
}
