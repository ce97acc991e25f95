/**
 * What this runtime understands, whatever the machine's kernel has of it: for engines that choose a
 * runtime, or leave out what it does not know.
 *
 * OCI runtime-spec, features.md and features-linux.md
 */

import { attempt } from '../kernel/call.ts';
import { CAPABILITIES } from '../kernel/capabilities.ts';
import {
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_SET_MODE_FILTER,
} from '../kernel/constants.ts';
import { CLONE_FLAG } from '../kernel/namespaces.ts';
import { mountWords } from './mount-options.ts';
import { ACTIONS } from './seccomp/actions.ts';
import { ARCHITECTURES } from './seccomp/architectures.ts';
import { OPERATORS } from './seccomp/conditions.ts';
import { FLAGS } from './seccomp.ts';
import type { HookName } from './spec.ts';

const HOOKS: Record<HookName, true> = {
  prestart: true,
  createRuntime: true,
  createContainer: true,
  startContainer: true,
  poststart: true,
  poststop: true,
};

/** For `features`, as JSON. */
export const features = () => ({
  ociVersionMin: '1.0.0',
  ociVersionMax: '1.2.0',
  hooks: Object.keys(HOOKS),
  mountOptions: mountWords().toSorted(),
  linux: {
    namespaces: Object.keys(CLONE_FLAG).toSorted(),
    capabilities: CAPABILITIES,
    cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: true },
    seccomp: {
      enabled: true,
      actions: Object.keys(ACTIONS).toSorted(),
      operators: OPERATORS.toSorted(),
      archs: Object.keys(ARCHITECTURES).toSorted(),
      knownFlags: Object.keys(FLAGS).toSorted(),
      supportedFlags: Object.keys(FLAGS).filter(isOfKernel).toSorted(),
    },
    apparmor: { enabled: true },
    selinux: { enabled: true },
    intelRdt: { enabled: false },
    mountExtensions: { idmap: { enabled: true } },
  },
  annotations: {},
  potentiallyUnsafeConfigAnnotations: [],
});

const EFAULT = 14;

/** With no filter at all a flag that the kernel knows is a bad address, another one is EINVAL. */
function isOfKernel(name: string): boolean {
  const flag = FLAGS[name] ?? 0;
  const more =
    flag === SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
  return attempt.seccomp(SECCOMP_SET_MODE_FILTER, flag | more, null) === -EFAULT;
}
