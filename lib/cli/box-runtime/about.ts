/**
 * The commands that make nothing: features, explain.
 */
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { planContainerCgroup, viewOf } from '../../oci/cgroup.ts';
import { compileBundle } from '../../oci/compile-bundle.ts';
import { loadBundle } from '../../oci/load-bundle.ts';
import { globalsOf } from './globals.ts';

export function addAboutCommands(program: Command): void {
  program
    .command('features')
    .description('print what is understood of the specification, as JSON')
    .action(async () => {
      const { features } = await import('../../oci/features.ts');
      process.stdout.write(`${JSON.stringify(features(), null, 2)}\n`);
    });

  program
    .command('explain [bundle]')
    .description('print the kernel calls that a bundle becomes, each with the lab it comes from')
    .action(async (directory: string | undefined, _flags: unknown, command: Command) => {
      const { explainBundle } = await import('../../oci/explain.ts');
      const bundle = await loadBundle(resolve(directory ?? '.'));
      const id = 'ID';
      const compiled = compileBundle(bundle, {
        id,
        fifo: join(resolve(globalsOf(command).root), id, 'start.fifo'),
        cgroups: viewOf(planContainerCgroup(bundle.spec, id)),
        preserveFds: 0,
        noPivot: false,
        noNewKeyring: false,
      });
      const { columns: width = 120, isTTY: color = false } = process.stdout;
      const lines = explainBundle(compiled.program, { width, color });
      process.stdout.write(`${lines.join('\n')}\n`);
    });
}
