/**
 * Who this process is to the kernel: its user, its capabilities, and what has been taken from it
 * for good (seccomp filters, no_new_privs). A root of a user namespace shows user id 0 as well;
 * `uidMap` tells the two apart.
 *
 * credentials(7), capabilities(7), seccomp(2), proc_pid_status(5), user_namespaces(7)
 */
import { readProcFile } from '../proc-file.ts';
import { readStatus, type Status } from '../status.ts';
import { decodeCapabilities, missingCapabilities } from './capabilities.ts';

export type CredentialFacts = {
  uid: number;
  gid: number;
  /** Capabilities that count now, and those that an execve could still give. */
  effective: string[];
  bounding: string[];
  /** What the kernel knows and `effective` has not. */
  lacking: string[];
  seccomp: 'off' | 'strict' | 'filter' | 'unknown';
  noNewPrivs: boolean;
  /** Is user id 0 here user id 0 of the whole machine? */
  mapsWholeMachine: boolean;
};

export function readCredentials(): CredentialFacts {
  return describeCredentials(
    readStatus('self'),
    readProcFile('/proc/self/uid_map'),
    Number(readProcFile('/proc/sys/kernel/cap_last_cap')),
  );
}

/** The same from a parsed status, the text of a uid_map, and the number of the last capability. */
export function describeCredentials(
  status: Status,
  uidMap: string,
  lastCapability: number,
): CredentialFacts {
  const effective = decodeCapabilities(status.capEff);
  return {
    uid: status.uid[1] ?? -1,
    gid: status.gid[1] ?? -1,
    effective,
    bounding: decodeCapabilities(status.capBnd),
    lacking: missingCapabilities(effective, lastCapability),
    seccomp: (['off', 'strict', 'filter'] as const)[status.seccomp] ?? 'unknown',
    noNewPrivs: status.noNewPrivs,
    mapsWholeMachine: /^\s*0\s+0\s+4294967295\s*$/.test(uidMap),
  };
}
