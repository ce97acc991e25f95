/**
 * The commands that make a container: create, run, start.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Bundle } from '../../oci/draft.ts';
import { createContainer } from '../../oci/life/create.ts';
import { runContainer } from '../../oci/life/run.ts';
import { startContainer } from '../../oci/life/start.ts';
import { loadBundle } from '../../oci/load-bundle.ts';
import { wholeNumber } from '../numbers.ts';
import { globalsOf } from './globals.ts';
import { openLog } from './log.ts';

interface CreateFlags {
  bundle: string;
  config?: string;
  pidFile?: string;
  consoleSocket?: string;
  preserveFds: number;
  pivot: boolean;
  newKeyring: boolean;
  detach?: boolean;
  keep?: boolean;
}

const bundleOf = ({ bundle, config }: CreateFlags): Promise<Bundle> =>
  loadBundle(resolve(bundle), config === undefined ? undefined : resolve(config));

const withCreateOptions = (command: Command): Command =>
  command
    .option('-b, --bundle <directory>', 'the bundle', '.')
    .option('-f, --config <file>', 'in place of the bundle’s config.json')
    .option('--pid-file <file>', 'where to write the pid of its first process')
    .option('--console-socket <socket>', 'who is handed the terminal’s master')
    .option('--preserve-fds <count>', 'descriptors from 3 on that it gets', wholeNumber, 0)
    .option('--no-pivot', 'move the root mount in place of pivot_root')
    .option('--no-new-keyring', 'keep the caller’s session keyring')
    .option('--no-subreaper', 'of no meaning here: nothing is made a subreaper');

export function addCreateCommands(program: Command): void {
  withCreateOptions(program.command('create <id>'))
    .description('make a container that waits to be started')
    .action(async (id: string, flags: CreateFlags, command: Command) => {
      const { root } = globalsOf(command);
      const { warn } = openLog(command.optsWithGlobals());
      await createContainer({ ...(await optionsOf(root, id, flags)), warn });
    });

  withCreateOptions(program.command('run <id>'))
    .description('make a container, start it, wait for its end and delete it')
    .option('-d, --detach', 'do not wait')
    .option('--keep', 'do not delete it at its end')
    .action(async (id: string, flags: CreateFlags, command: Command) => {
      const { root } = globalsOf(command);
      const { detach = false, keep = false } = flags;
      const options = await optionsOf(root, id, flags);
      const { warn } = openLog(command.optsWithGlobals());
      process.exitCode = await runContainer({ ...options, detach, keep, warn });
    });

  program
    .command('start <id>')
    .description('let a container that waits go on to its program')
    .action(async (id: string, _flags: unknown, command: Command) => {
      const { warn } = openLog(command.optsWithGlobals());
      await startContainer(globalsOf(command).root, id, warn);
    });
}

const optionsOf = async (root: string, id: string, flags: CreateFlags) => ({
  root: resolve(root),
  id,
  bundle: await bundleOf(flags),
  pidFile: flags.pidFile && resolve(flags.pidFile),
  consoleSocket: flags.consoleSocket,
  preserveFds: flags.preserveFds,
  noPivot: !flags.pivot,
  noNewKeyring: !flags.newKeyring,
});
