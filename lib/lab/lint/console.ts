/**
 * Blocks of console: commands after `$ ` with what they print below. They are run on the host, in
 * the checkout, and compared; commands of npm are not run, so nothing may be claimed of them.
 */
import { execFileSync } from 'node:child_process';
import { allBlocks, matchOutput, type Reading } from '../reading.ts';
import type { Complaint } from './complaint.ts';

export interface Command {
  command: string;
  claim: string;
}

const NOT_RUN = /^(?:sudo )?(?:npm|git clone|cd)\b/;

/** Each command with the lines that follow it; undefined when it does not begin with one. */
export function listCommands(text: string): Command[] | undefined {
  const commands: { command: string; claim: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), claim: [] });
    else if (commands.length === 0) return undefined;
    else commands.at(-1)?.claim.push(line);
  }
  return commands.map(({ command, claim }) => ({ command, claim: claim.join('\n').trim() }));
}

export function lintCommands(reading: Reading): Complaint[] {
  const { file } = reading;
  return listConsoles(reading).flatMap(({ line, text }) => {
    const commands = listCommands(text);
    if (!commands) return [{ file, line, problem: 'console begins with a line `$ command`' }];
    const claimed = commands.find(({ command, claim }) => NOT_RUN.test(command) && claim !== '');
    if (!claimed) return [];
    return [{ file, line, problem: `output of a command that is not run: ${claimed.command}` }];
  });
}

/** Runs what is to be run, in `directory`, and complains where something else comes out. */
export function proveCommands(reading: Reading, directory: string): Complaint[] {
  const { file } = reading;
  return listConsoles(reading).flatMap(({ line, text }) =>
    (listCommands(text) ?? [])
      .filter(({ command }) => !NOT_RUN.test(command))
      .flatMap(({ command, claim }) => {
        const { ok, firstDifference } = matchOutput(claim, runCommand(command, directory));
        return ok ? [] : [{ file, line, problem: `$ ${command}: ${firstDifference}` }];
      }),
  );
}

const listConsoles = ({ blocks }: Reading) =>
  allBlocks(blocks).filter((block) => block.kind === 'console');

/** Both streams, as on a terminal; a command may fail, its message is its output. */
function runCommand(command: string, cwd: string): string {
  const script = `exec 2>&1\n${command}\ntrue`;
  return execFileSync('bash', ['-c', script], { cwd, encoding: 'utf8', timeout: 30_000 });
}
