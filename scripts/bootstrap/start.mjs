/**
 * Running the script that was asked for: in this process where its Node will do, otherwise in a
 * child with the pinned Node. Seen from outside both are the same: arguments, standard streams,
 * signals, exit code.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { isatty } from 'node:tty';
import { pathToFileURL } from 'node:url';

/** For Node's own children, which are many: each takes types out of TypeScript as well. */
const ONE_TIER = new URL('one-tier.mjs', import.meta.url).href;

/** Runs `script` in this process, with `process.argv` as if it had been started directly. */
export async function startHere(script, args) {
  process.argv = [process.execPath, script, ...args];
  process.env.NODE_OPTIONS = nodeOptions();
  await import(ONE_TIER);
  await import(pathToFileURL(script).href);
}

/** Runs `script` with `node` and resolves to the exit code to end with: 128 + n for signal n. */
export async function startWith(node, script, args) {
  const PATH = `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`;
  const env = { ...process.env, PATH, NODE_OPTIONS: nodeOptions() };
  const child = spawn(node, [script, ...args], { stdio: 'inherit', env });
  // A terminal sends Ctrl-C to the child as well: forwarded, it would come twice.
  const inTerminal = [0, 1, 2].some((fd) => isatty(fd));
  process.on('SIGINT', () => inTerminal || child.kill('SIGINT'));
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await once(child, 'close');
  return signal === null ? code : 128 + constants.signals[signal];
}

function nodeOptions() {
  const { NODE_OPTIONS = '' } = process.env;
  return NODE_OPTIONS.includes(ONE_TIER)
    ? NODE_OPTIONS
    : `${NODE_OPTIONS} --import=${ONE_TIER}`.trim();
}
