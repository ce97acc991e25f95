/**
 * The container's seccomp filter, loaded by its own program as late as the privileges that it takes
 * allow. What the program does afterwards, execve at least, the filter has to let through.
 *
 * seccomp(2), seccomp_unotify(2), OCI runtime-spec config-linux.md "Seccomp"
 */
import {
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from '../kernel/constants.ts';
import { architecture } from '../kernel/libc.ts';
import { encodeSockFprog } from '../kernel/structs.ts';
import type { Result } from '../launch/program.ts';
import type { Draft } from './draft.ts';
import { OciError } from './oci-error.ts';
import { compileFilter } from './seccomp/filter.ts';
import type { Seccomp } from './spec.ts';

export const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC,
  SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

const NOTIFY = 'SCMP_ACT_NOTIFY';

/** Whether a process is to be asked about some of the calls: it gets the filter's listener. */
export const notifies = (seccomp: Seccomp | undefined): boolean =>
  (seccomp?.syscalls ?? []).some(({ action }) => action === NOTIFY);

/**
 * Writes the line that loads the filter. no_new_privs has to be set before, or CAP_SYS_ADMIN to be
 * effective. The result is the listener's descriptor, close-on-exec, where there is one. Throws
 * OciError.
 */
export function loadSeccomp({ call, spec }: Pick<Draft, 'call' | 'spec'>): Result | null {
  const seccomp = spec.linux?.seccomp;
  if (!seccomp) return null;
  assertListener(seccomp);
  const filter = compileFilter(seccomp, architecture());
  const result = call.seccomp(SECCOMP_SET_MODE_FILTER, flagsOf(seccomp), encodeSockFprog(filter));
  return notifies(seccomp) ? result : null;
}

function flagsOf(seccomp: Seccomp): number {
  const flags = (seccomp.flags ?? []).reduce((all, name, index) => {
    const flag = FLAGS[name];
    if (flag !== undefined) return all | flag;
    throw new OciError(
      `linux.seccomp.flags[${index}]: ${JSON.stringify(name)} is no flag; allowed: ${Object.keys(FLAGS).join(', ')}`,
    );
  }, 0);
  if (!notifies(seccomp)) {
    // The kernel refuses it: nobody would be waited for.
    return flags & ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  }
  // One result cannot be a descriptor and the id of a thread that cannot follow.
  const both = flags & SECCOMP_FILTER_FLAG_TSYNC ? SECCOMP_FILTER_FLAG_TSYNC_ESRCH : 0;
  return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER | both;
}

function assertListener({ defaultAction, syscalls = [], ...seccomp }: Seccomp): void {
  const { listenerPath, listenerMetadata } = seccomp;
  if (defaultAction === NOTIFY) {
    throw new OciError(
      `linux.seccomp.defaultAction: ${NOTIFY} would ask about the calls that hand the listener over; name the calls it is for`,
    );
  }
  const asked = syscalls.findIndex(
    ({ action, names }) => action === NOTIFY && names.includes('write'),
  );
  if (asked >= 0) {
    throw new OciError(
      `linux.seccomp.syscalls[${asked}]: ${NOTIFY} for write, with which the listener is handed over; leave it out`,
    );
  }
  const asks = syscalls.some(({ action }) => action === NOTIFY);
  if (asks && !listenerPath) {
    throw new OciError(
      `linux.seccomp.listenerPath: missing, but rules have the action ${NOTIFY}; name the socket of the process that answers`,
    );
  }
  if (listenerMetadata !== undefined && !listenerPath) {
    throw new OciError('linux.seccomp.listenerMetadata: given without a listenerPath');
  }
}
