/**
 * `npm run vm` and its brothers: the virtual machines of the labs.
 *
 *   npm run vm                  brings the machine up
 *   npm run vm:lab:05 -- flags  the lab in it; vm:lab lists the labs
 *   npm run vm:ssh [-- words]   a shell in it, or a command
 *   npm run vm:halt             shuts it down
 *   npm run vm:destroy          removes both machines and what they left
 *   npm run vm:status           both machines as they are
 *
 * UNBOXED_VM is v2 (the default) or v1: the cgroup layout. Exit codes: 0, 1 it went wrong, 2 wrong
 * usage, 3 this host cannot run it or it is not up, 130 Ctrl-C; a lab's and a command's are theirs.
 */
import { destroy, halt } from './vm/down.ts';
import { chosenMachine, ownDirectory } from './vm/machines.ts';
import { meetMyFiles } from './vm/my-files.ts';
import { findRunning } from './vm/running.ts';
import { connect, type Guest, runInVm } from './vm/ssh.ts';
import { describeMachines } from './vm/status.ts';
import { copyProject } from './vm/sync.ts';
import { busyProcesses } from './vm/turn.ts';
import { bringUp } from './vm/up.ts';
import { interrupt } from './vm/vagrant.ts';
import { VmError } from './vm/vm-error.ts';

const say = (line: string) => process.stderr.write(`${line}\n`);

const COMMANDS: Record<string, (args: string[], signal: AbortSignal) => Promise<number>> = {
  up: async (args, signal) => {
    noArguments('vm', args);
    const machine = chosenMachine();
    await bringUp(machine, say, signal);
    const other = machine === 'v1' ? 'UNBOXED_VM=v1 ' : '';
    say(
      `  ${other}npm run vm:lab:05 reads and runs a lab in it, ${other}npm run vm:ssh opens a shell`,
    );
    return 0;
  },
  lab: (args) => inMachine(['node', 'scripts/bootstrap.mjs', 'scripts/lab.ts', ...args]),
  ssh: (args) => inMachine(args.length > 0 ? args : ['bash', '-l', '-c', SHELL]),
  halt: async (args, signal) => {
    noArguments('vm:halt', args);
    await halt(chosenMachine(), say, signal);
    return 0;
  },
  destroy: async (args, signal) => {
    noArguments('vm:destroy', args);
    await destroy(say, signal);
    return 0;
  },
  status: async (args) => {
    noArguments('vm:status', args);
    for (const line of await describeMachines()) console.log(line);
    return 0;
  },
};

/** A login shell begins in the home directory. */
const SHELL = 'cd /unboxed && exec bash -i';

process.exit(await main(process.argv.slice(2)));

async function main([name = '', ...args]: string[]): Promise<number> {
  const command = COMMANDS[name];
  if (!command) return complain(`vm: no such command: ${name}`, 2);
  const stopped = stopOnSignals(name);
  try {
    return await command(args, stopped.signal);
  } catch (error) {
    if (stopped.signal.aborted) return complain('stopped; npm run vm goes on from here', 130);
    if (error instanceof VmError) return complain(error.message, error.exitCode);
    const { name, message, stack } = error as Error;
    return complain(name === 'ImageError' ? message : (stack ?? message), 1);
  }
}

/** The first Ctrl-C lets Vagrant clean up, the second does not wait for that. */
function stopOnSignals(name: string): AbortController {
  const controller = new AbortController();
  if (name === 'lab' || name === 'ssh') return controller;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const busy = busyProcesses(ownDirectory());
      // Where it is another command's turn, that one is not ours to end.
      const others = busy.includes(process.pid) ? busy.filter((pid) => pid !== process.pid) : [];
      if (controller.signal.aborted || others.length === 0) {
        for (const pid of others) interrupt(pid, 'SIGKILL');
        process.exit(complain('stopped', 130));
      }
      say('\nstopping: Vagrant cleans up first; once more does not wait for it');
      controller.abort(new VmError('stopped'));
    });
  }
  return controller;
}

async function inMachine(argv: string[]): Promise<number> {
  const machine = chosenMachine();
  const guest = await findRunning(machine);
  if (guest === null) {
    throw new VmError(`${machine} is not up`, {
      exitCode: 3,
      remedy: `${machine === 'v1' ? 'UNBOXED_VM=v1 ' : ''}npm run vm`,
    });
  }
  await connect(guest);
  await bring(guest);
  try {
    return await runInVm(guest, argv);
  } finally {
    await meetMyFiles(guest, say);
  }
}

async function bring(guest: Guest): Promise<void> {
  await copyProject(guest);
  await meetMyFiles(guest, say);
}

function noArguments(command: string, args: string[]): void {
  if (args.length === 0) return;
  throw new VmError(`${command} takes no arguments, not ${args.join(' ')}`, { exitCode: 2 });
}

function complain(text: string, exitCode: number): number {
  say(text);
  return exitCode;
}
