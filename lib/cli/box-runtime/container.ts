/**
 * The commands about one container that is there: state, kill, delete, pause, resume.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { deleteContainer } from '../../oci/life/delete.ts';
import { killContainer, signalOf } from '../../oci/life/kill.ts';
import { describeContainer } from '../../oci/life/list.ts';
import { pauseContainer, resumeContainer } from '../../oci/life/pause.ts';
import { listContainers, load, stateOf } from '../../oci/life/store.ts';
import { globalsOf } from './globals.ts';
import { openLog } from './log.ts';

const rootOf = (command: Command) => resolve(globalsOf(command).root);

export function addContainerCommands(program: Command): void {
  program
    .command('state <id>')
    .description('print what it is and how it is, as JSON')
    .action((id: string, _flags: unknown, command: Command) => {
      const { stored } = load(rootOf(command), id);
      const state = { ...stateOf(stored), ...describeContainer(stored) };
      process.stdout.write(`${JSON.stringify(state, null, 2)}\n`);
    });

  program
    .command('kill <id> [signal]')
    .description('send a signal, SIGTERM by default, to its first process')
    .option('-a, --all', 'to all that is in its cgroup')
    .action(async (id: string, text: string | undefined, flags: { all?: boolean }, command) => {
      const signal = signalOf(text ?? 'SIGTERM');
      await killContainer({ root: rootOf(command), id, signal, all: flags.all ?? false });
    });

  program
    .command('delete <id>')
    .description('take away what is left of a container that has ended')
    .option('-f, --force', 'also of one that runs: it is killed')
    .option('-r, --regex', 'all whose id matches the regular expression')
    .action(async (id: string, flags: { force?: boolean; regex?: boolean }, command: Command) => {
      const root = rootOf(command);
      const ids = flags.regex
        ? listContainers(root).filter((one) => new RegExp(`^(?:${id})$`).test(one))
        : [id];
      for (const one of ids) {
        const warnings = await deleteContainer(root, one, flags.force ?? false);
        for (const warning of warnings) openLog(command.optsWithGlobals()).warn(warning);
      }
    });

  program
    .command('pause <id>')
    .description('stop all its processes where they are')
    .action(async (id: string, _flags: unknown, command: Command) => {
      await pauseContainer(rootOf(command), id);
    });

  program
    .command('resume <id>')
    .description('let them go on')
    .action(async (id: string, _flags: unknown, command: Command) => {
      await resumeContainer(rootOf(command), id);
    });
}
