/**
 * The command that runs another process in a container.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { execInContainer } from '../../oci/life/exec.ts';
import { OciError } from '../../oci/oci-error.ts';
import type { CapabilitySet, Process } from '../../oci/spec.ts';
import { validateProcess } from '../../oci/validate.ts';
import { collect, wholeNumber } from '../numbers.ts';
import { globalsOf } from './globals.ts';

interface ExecFlags {
  consoleSocket?: string;
  cwd?: string;
  env: string[];
  tty?: boolean;
  user?: string;
  additionalGids: string[];
  process?: string;
  detach?: boolean;
  pidFile?: string;
  processLabel?: string;
  apparmor?: string;
  newPrivs: boolean;
  noNewPrivs?: boolean;
  cap: string[];
  preserveFds: number;
  cgroup?: string;
  ignorePaused?: boolean;
}

export function addExecCommand(program: Command): void {
  program
    .command('exec <id> [command...]')
    .description('run another process in a container')
    .passThroughOptions()
    .option('--console-socket <socket>', 'who is handed the terminal’s master')
    .option('--cwd <directory>', 'working directory in the container')
    .option('-e, --env <variable>', 'NAME=value', collect, [])
    .option('-t, --tty', 'give it a terminal')
    .option('-u, --user <user>', 'uid[:gid]')
    .option('-g, --additional-gids <gid>', 'one more group', collect, [])
    .option('-p, --process <file>', 'the process as JSON')
    .option('-d, --detach', 'do not wait for it')
    .option('--pid-file <file>', 'where to write its pid')
    .option('--process-label <label>', 'SELinux label')
    .option('--apparmor <profile>', 'AppArmor profile')
    .option('--no-new-privs', 'it cannot get privileges by execve')
    .option('-c, --cap <capability>', 'one more capability', collect, [])
    .option('--preserve-fds <count>', 'descriptors from 3 on that it gets', wholeNumber, 0)
    .option('--cgroup <path>', 'a cgroup below the container’s')
    .option('--ignore-paused', 'also in a paused container')
    .action(async (id: string, args: string[], flags: ExecFlags, command: Command) => {
      const { root } = globalsOf(command);
      const given = flags.process === undefined ? null : await readProcess(flags.process);
      process.exitCode = await execInContainer({
        root: resolve(root),
        id,
        process: given ? () => given : (own) => processOf(own, args, flags),
        detach: flags.detach ?? false,
        pidFile: flags.pidFile && resolve(flags.pidFile),
        consoleSocket: flags.consoleSocket,
        preserveFds: flags.preserveFds,
        cgroup: flags.cgroup?.replace(/^[^/:]*:/, ''),
        ignorePaused: flags.ignorePaused ?? false,
      });
    });
}

function processOf(own: Process, args: string[], flags: ExecFlags): Process {
  if (args.length === 0) throw new OciError('exec: a command, or --process FILE, is missing');
  const { cwd, tty = false, apparmor, processLabel, newPrivs } = flags;
  return {
    ...own,
    args,
    terminal: tty,
    cwd: cwd ?? own.cwd,
    env: [...(own.env ?? []), ...flags.env],
    user: userOf(own, flags),
    capabilities: withCapabilities(own, flags.cap),
    ...(apparmor ? { apparmorProfile: apparmor } : {}),
    ...(processLabel ? { selinuxLabel: processLabel } : {}),
    noNewPrivileges: newPrivs === false || (own.noNewPrivileges ?? false),
  };
}

async function readProcess(file: string): Promise<Process> {
  const text = readFileSync(file === '-' ? 0 : file, 'utf8');
  return await validateProcess(JSON.parse(text), file);
}

function userOf(own: Process, { user, additionalGids }: ExecFlags) {
  const [, uid, , gid] = /^(\d+)(:(\d+))?$/.exec(user ?? '') ?? [];
  if (user !== undefined && uid === undefined) {
    throw new OciError(`--user ${user}: give numbers, uid or uid:gid`);
  }
  return {
    ...own.user,
    ...(uid === undefined ? {} : { uid: Number(uid) }),
    ...(gid === undefined ? {} : { gid: Number(gid) }),
    additionalGids: [...(own.user?.additionalGids ?? []), ...additionalGids.map(Number)],
  };
}

/**
 * Not what is inherited (nor, so, what is ambient): programs with file capabilities would get more in
 * there than they have anywhere else (CVE-2022-29162).
 */
const EXTENDED: readonly CapabilitySet[] = ['bounding', 'effective', 'permitted'];

function withCapabilities({ capabilities = {} }: Process, more: readonly string[]) {
  const names = more.map((name) => (name.startsWith('CAP_') ? name : `CAP_${name}`).toUpperCase());
  const extended = EXTENDED.map((set) => [set, [...(capabilities[set] ?? []), ...names]]);
  return { ...capabilities, ...Object.fromEntries(extended) };
}
