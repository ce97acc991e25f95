/**
 * `box`: the engine's command line, as people know it from Docker. Here are the commands' names, the
 * options before them, and what becomes of an error; what they do is in box/.
 *
 * Exit codes: 1 it failed, 125 the command line is wrong, 128 and a signal's number ended by that.
 *
 * docker-cli(1)
 */
import { Command, CommanderError, Option } from 'commander';
import { BoxError, WRONG_USAGE } from './box/box-error.ts';
import { defaultRoot, type Globals } from './box/globals.ts';
import * as images from './box/image-commands.ts';
import { Interrupted } from './box/interrupt.ts';
import * as system from './box/system-commands.ts';
import * as transfer from './box/transfer-commands.ts';
import { VERSION } from './version.ts';

export function makeProgram(): Command {
  const program = new Command('box')
    .description('Images, by the commands that people know from Docker.')
    .version(`box version ${VERSION}`, '-v, --version')
    .addOption(
      new Option('--root <directory>', 'where everything is kept')
        .env('BOX_ROOT')
        .default(defaultRoot()),
    )
    .option('-D, --debug', 'print the stack of an error too')
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError(false)
    // Errors are printed below; what is left is the help of a command that was not named in full.
    .configureOutput({
      outputError: () => undefined,
      writeErr: (text) => process.stdout.write(text),
    });

  const image = program.command('image').description('all commands about images');
  for (const [name, define, own = name] of [
    ['build', images.defineBuild],
    ['history', images.defineHistory],
    ['import', transfer.defineImport],
    ['ls', images.defineImages, 'images'],
    ['load', transfer.defineLoad],
    ['pull', transfer.definePull],
    ['push', transfer.definePush],
    ['rm', images.defineRemove, 'rmi'],
    ['save', transfer.defineSave],
    ['tag', images.defineTag],
  ] as const) {
    define(image.command(name));
    define(program.command(own));
  }
  image.commands.find((command) => command.name() === 'ls')?.alias('list');
  image.commands.find((command) => command.name() === 'rm')?.alias('remove');
  images.defineInspect(image.command('inspect'));
  images.definePrune(image.command('prune'));
  transfer.defineLogin(program.command('login'));
  transfer.defineLogout(program.command('logout'));
  const about = program.command('system').description('commands about box itself');
  system.defineDiskUse(about.command('df'));
  system.defineInfo(about.command('info'));
  system.defineInfo(program.command('info'));
  system.defineVersion(program.command('version'));
  return program;
}

/** The exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  program.hook('preAction', () => {
    process.exitCode = 0;
  });
  try {
    await program.parseAsync(
      argv.map((word) => SPELLINGS[word] ?? word),
      { from: 'user' },
    );
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return refuse(error);
    const { debug } = program.opts<Globals>();
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const line = message
      .trim()
      .split(/\s*\n\s*/)
      .join('; ');
    process.stderr.write(`box: ${debug ? stack : line}\n`);
    if (error instanceof BoxError || error instanceof Interrupted) return error.exitCode;
    return error instanceof Error && error.name === 'TemplateError' ? WRONG_USAGE : 1;
  }
}

/** Switches that people turn by a value. */
const SPELLINGS: Record<string, string> = {
  '--human=true': '--human',
  '--human=false': '--no-human',
  '--no-trunc=true': '--no-trunc',
};

/** An option that is none is wrong usage; a command that is none is, as in Docker, a failure. */
function refuse({ code, exitCode, message }: CommanderError): number {
  if (exitCode === 0 || code === 'commander.help') return 0;
  const said = message
    .replace(/^error: /, '')
    .split('\n')
    .join(' ');
  process.stderr.write(`box: ${said}; see box --help\n`);
  const wrongOption = /option|invalidArgument/i.test(code);
  return wrongOption ? WRONG_USAGE : 1;
}

if (import.meta.main) {
  // Whoever reads our output may have seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  let ended = false;
  process.once('beforeExit', () => {
    if (ended) return;
    process.stderr.write('box: ended before its work was done; please report it\n');
    process.exitCode = 1;
  });
  // Without a top-level await, which a standalone executable's bytecode cannot hold.
  void main(process.argv.slice(2)).then((status) => {
    ended = true;
    process.exitCode = status;
  });
}
