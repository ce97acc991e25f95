/**
 * Another process in a container that runs: a launch program that joins its namespaces and ends as
 * the container's own did, with user, capabilities, seccomp and all.
 *
 * setns(2), pidfd_open(2)
 */
import { cloneFlags } from '../kernel/namespaces.ts';
import { launch, type Program, type Result } from '../launch/program.ts';
import { differingNamespaces } from '../namespaces/joining.ts';
import { type CgroupDoors, enterDoors } from './cgroup-doors.ts';
import { joinKeyring } from './keyring.ts';
import { openLabel } from './labels.ts';
import { becomeRoot } from './namespaces.ts';
import { leaveOwnProgram } from './own-program.ts';
import { isInUserNamespace } from './privilege.ts';
import { becomeUser, environmentOf, execute, setPersonality } from './process.ts';
import { loadSeccomp } from './seccomp.ts';
import type { Process, Spec } from './spec.ts';
import { handOver, openPair } from './terminal.ts';

export interface ExecOptions {
  id: string;
  /** The container's first process. */
  pid: number;
  /** The container's configuration. */
  spec: Spec;
  process: Process;
  /** HOME where the environment has none. */
  home: string;
  preserveFds: number;
  /** The container has none of its own. */
  noNewKeyring: boolean;
  /** Into its cgroup. */
  doors: CgroupDoors;
}

export interface CompiledExec {
  program: Program;
  terminal: Result | null;
  /** In a user namespace: its limits are the host's to set. */
  confined: boolean;
  env: Readonly<Record<string, string>>;
}

export function compileExec(options: ExecOptions): CompiledExec {
  const { id, pid, process: ran, preserveFds, doors } = options;
  const spec: Spec = { ...options.spec, process: ran };
  const kinds = differingNamespaces(pid);
  const entersUser = kinds.includes('user');
  const confined = entersUser || isInUserNamespace();
  const given = environmentOf(ran.env);
  const env = given.HOME ? given : { ...given, HOME: options.home };
  let terminal: Result | null = null;
  const program = launch({ cgroup: doors.v2 }, (call) => {
    const draft = { call, spec };
    leaveOwnProgram(call, confined, preserveFds);
    const target = call.pidfdOpen(pid, 0);
    enterDoors(call, doors);
    call.gate('namespaces');
    const others = kinds.filter((kind) => kind !== 'mount');
    if (others.length > 0) call.setns(target, cloneFlags(others));
    // Only a child is in the pid namespace.
    if (kinds.includes('pid') || kinds.includes('time')) call.fork(0);
    if (entersUser) becomeRoot(call);
    // While the host's /proc can be seen.
    const label = openLabel(draft);
    if (kinds.includes('mount')) call.setns(target, cloneFlags(['mount']));
    call.close(target);
    call.chdir('/');
    if (!options.noNewKeyring) joinKeyring(call, id, 'joined');
    if (ran.terminal) {
      const { master, slave } = openPair(call, ran.user);
      terminal = master;
      handOver(call, master, slave);
    } else {
      call.setsid();
    }
    setPersonality(call, spec.linux?.personality);
    const execution = { process: ran, env, confined, entersUser, preserveFds };
    becomeUser(call, execution);
    call.gate('created');
    execute(call, execution, {
      seccomp: () => void loadSeccomp(draft),
      label: () => label({ ...draft, id, bundle: { directory: '/', spec }, confined }),
    });
  });
  return { program, terminal, confined, env };
}
