/**
 * In a frozen cgroup of version 1 a process does not even die: SIGKILL waits with it until it is
 * thawed. Version 2 lets it die. kernel Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryOfCgroup, readMembership } from '../observe/membership.ts';
import { orGone, readProcFile } from '../observe/proc-file.ts';

/** Thaws the version 1 cgroup that holds the process, if it is frozen itself and is not ours too. */
export function thawProcess(pid: number): void {
  const path = orGone(() => readMembership(pid))?.freezer;
  if (path === undefined || path === readMembership('self').freezer) return;
  const directory = directoryOfCgroup('freezer', path);
  if (directory === null) return;
  const frozen = orGone(() => readProcFile(join(directory, 'freezer.self_freezing')));
  if (frozen?.trim() === '1') writeFileSync(join(directory, 'freezer.state'), 'THAWED');
}
