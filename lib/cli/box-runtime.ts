/**
 * `box-runtime`: the OCI runtime's command line, as engines drive it. Each command has a file in
 * box-runtime/; here are the options before the command, and what becomes of an error.
 *
 * OCI runtime-spec, runtime.md "Operations"; docs of the runtime command line interface
 */
import { Command, CommanderError } from 'commander';
import { addAboutCommands } from './box-runtime/about.ts';
import { addContainerCommands } from './box-runtime/container.ts';
import { addCreateCommands } from './box-runtime/create.ts';
import { addExecCommand } from './box-runtime/exec.ts';
import { defaultRoot, type Globals } from './box-runtime/globals.ts';
import { openLog } from './box-runtime/log.ts';
import { addLookCommands } from './box-runtime/look.ts';
import { addUpdateCommand } from './box-runtime/update.ts';
import { RUNTIME_SPEC, VERSION } from './version.ts';

/** As other runtimes: an exit code that few programs have, since theirs are to be told apart. */
const CANNOT_EXEC = 255;

export function makeProgram(): Command {
  const program = new Command('box-runtime')
    .description('An OCI runtime: a bundle becomes a list of kernel calls, and that a container.')
    .version(`box-runtime version ${VERSION}\nspec: ${RUNTIME_SPEC}`, '-v, --version')
    .option('--root <directory>', 'where the state of containers is kept', defaultRoot())
    .option('--log <file>', 'where errors are written, besides standard error')
    .option('--log-format <format>', 'text or json', 'text')
    .option('--debug', 'print the stack of an error too')
    .option('--systemd-cgroup', 'refused: cgroups are made by path here')
    .option('--cgroup-manager <manager>', 'cgroupfs, or disabled', 'cgroupfs')
    .option('--rootless <value>', 'true, false or auto', 'auto')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError(false);
  addCreateCommands(program);
  addContainerCommands(program);
  addExecCommand(program);
  addLookCommands(program);
  addUpdateCommand(program);
  addAboutCommands(program);
  return program;
}

/** The exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  let status = 0;
  let failed = 1;
  program.hook('preAction', (_, command) => {
    process.exitCode = 0;
    if (command.name() === 'exec') failed = CANNOT_EXEC;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    status = Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      const asked = error.exitCode === 0;
      if (!asked) openLog(program.opts<Globals>()).error(error.message.replace(/^error: /, ''));
      return asked ? 0 : 1;
    }
    openLog(program.opts<Globals>()).error(error);
    return failed;
  }
  return status;
}

if (import.meta.main) {
  // Without a top-level await, which a standalone executable's bytecode cannot hold.
  void main(process.argv.slice(2)).then((status) => {
    process.exitCode = status;
  });
}
