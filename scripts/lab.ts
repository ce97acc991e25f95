/**
 * `npm run lab` lists the labs, `npm run lab:NN` reads and runs one; `-- --help` tells the rest.
 *
 * Exit code: 0 all held, 1 something did not, 2 wrong usage, 3 this host cannot run it, 130 Ctrl-C.
 */
import { LabError } from '../lib/lab/lab-error.ts';
import { helpText, type LabOptions, readOptions } from '../lib/lab/options.ts';
import { ReadingError } from '../lib/lab/reading.ts';

// Not exitCode: a step that was interrupted may still hold the event loop.
process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  try {
    const options = readOptions(args);
    if (options.help) return print(helpText());
    if (options.number === undefined) return await list(options);
    return await open(options.number, options);
  } catch (error) {
    if (error instanceof LabError) return complain(error.message, error.exitCode);
    if (error instanceof ReadingError) return complain(error.message, 1);
    // The rooms' own errors say what and where in their message; anything else is a mistake of ours.
    const { name, message, stack } = error as Error;
    const known = [
      'HostError',
      'RootfsError',
      'LaunchError',
      'SyscallError',
      'ObserveError',
      'CgroupError',
    ];
    return complain(known.includes(name) ? message : (stack ?? message), 1);
  }
}

async function list({ json }: LabOptions): Promise<number> {
  const { formatList, listLabs } = await import('../lib/lab/run-lab-list.ts');
  const { painter } = await import('../lib/lab/render-paint.ts');
  const labs = listLabs();
  if (json) return print(labs.map((lab) => JSON.stringify(lab)).join('\n'));
  const { isTTY = false, columns = 100 } = process.stdout;
  const paint = painter(isTTY && process.stdout.hasColors());
  return print(formatList(labs, { paint, width: Math.min(columns, 100) }));
}

async function open(number: string, options: LabOptions): Promise<number> {
  const mine = () => import('../lib/lab/mine.ts');
  if (options.mode === 'reset') return (await mine()).resetMine(number);
  if (options.mode === 'hint') return (await mine()).showHint(number, options.degree);
  if (options.mode === 'solution') return (await mine()).showSolution(number);
  const blocked = await findBlockers(number);
  if (blocked) return complain(blocked, 3);
  const { ensurePrivileges } = await import('../lib/lab/rootless.ts');
  await ensurePrivileges();
  const { notePass, runLab } = await import('../lib/lab/run-lab.ts');
  if (options.mode === 'mine') {
    const { runMine } = await mine();
    const exitCode = await runMine({ ...options, number });
    if (exitCode === 0) notePass(number, 'mine');
    return exitCode;
  }
  return runLab(number, options);
}

/** What stands in the lab's way on this host, with remedies; undefined when nothing does. */
async function findBlockers(number: string): Promise<string | undefined> {
  const { isRootless } = await import('../lib/lab/rootless.ts');
  // In the user namespace it has been asked, and answered, outside.
  if (isRootless()) return undefined;
  const { inspectHost } = await import('../lib/observe/host/inspect.ts');
  const { blockers, LABS } = await import('../lib/observe/host/requirements.ts');
  const lab = LABS.find((each) => each === number);
  if (!lab) return undefined;
  const found = blockers(inspectHost(), lab);
  if (found.length === 0) return undefined;
  const lines = found.map(({ what, remedy }) => `  ${what}\n    → ${remedy}`);
  const elsewhere = `in a virtual machine it can: npm run vm, and then npm run vm:lab:${number}`;
  return [`lab ${number} cannot run on this host:`, ...lines, elsewhere].join('\n');
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function complain(text: string, exitCode: number): number {
  console.error(text);
  return exitCode;
}
