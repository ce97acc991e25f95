/**
 * A script in a mount table of its own, in which all mounts are shared, as systemd has them: what
 * spreads from a container to its host is seen here, and the real host is spared it. What somebody
 * mounts meanwhile elsewhere is not seen, and nobody else uses what is mounted here.
 * mount_namespaces(7), "Shared subtrees"
 */
import { MS_PRIVATE, MS_REC, MS_SHARED, SIG_SETMASK } from '../lib/kernel/constants.ts';
import { launch } from '../lib/launch/program.ts';
import { start } from '../lib/launch/start.ts';

const APART = '--apart';

/** Runs `main` with the script's arguments there; here and now where we are not root. */
export async function runApart(main: (args: string[]) => Promise<number>): Promise<number> {
  const [script = '', ...args] = process.argv.slice(1);
  if (isApart() || process.getuid?.() !== 0 || process.platform !== 'linux') {
    return await main(args.filter((one) => one !== APART));
  }
  const program = launch({ namespaces: ['mount'] }, (call) => {
    call.mount(null, '/', null, MS_REC | MS_PRIVATE);
    call.mount(null, '/', null, MS_REC | MS_SHARED);
    call.rtSigprocmask(SIG_SETMASK, []);
    const argv = [process.execPath, ...process.execArgv, script, ...args, APART];
    call.execve(process.execPath, argv, process.env as Record<string, string>);
  });
  const { exited } = await start(program);
  return (await exited).code ?? 1;
}

/** Whether this process is the one that runs there. */
export const isApart = (): boolean => process.argv.includes(APART);
