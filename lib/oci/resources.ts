/**
 * The limits of a configuration as writes to the files of a container's cgroup, whichever version
 * holds each controller. All that this machine cannot hold is one error, before anything is written.
 *
 * OCI runtime-spec, config-linux.md "Control groups" and config-linux.md "Unified"
 */
import { writeFileSync } from 'node:fs';
import { CgroupError, type CgroupProblem } from '../cgroups/cgroup-error.ts';
import { readCgroupFile } from '../cgroups/cgroup-file.ts';
import { deviceChanges, parseDevicesList } from '../cgroups/device-changes.ts';
import { assembleDeviceProgram } from '../cgroups/device-program.ts';
import {
  CONTAINER_DEVICES,
  type DeviceException,
  type DevicePolicy,
  type DeviceRule,
  policyOf,
} from '../cgroups/device-rules.ts';
import { type CgroupPlan, type Held, whyAbsent } from '../cgroups/plan.ts';
import { attachDeviceProgram } from '../kernel/bpf.ts';
import { OciError } from './oci-error.ts';
import { v1Resources } from './resources-v1.ts';
import { unifiedResources, v2Resources } from './resources-v2.ts';
import type { DeviceRuleSpec, Resources } from './spec.ts';

/** One file; `controller` as version 1 calls it. */
export interface ResourceWrite {
  controller: string;
  file: string;
  text: string;
  /** What the kernel cannot hold is passed over: a number that was only a wish. */
  mayFail?: boolean;
}

/** Where block I/O, alone, has two names. */
const inV2 = (controller: string) => (controller === 'blkio' ? 'io' : controller);

/** Throws CgroupError with all that cannot be held, OciError when the kernel refuses a value. */
export function applyResources(plan: CgroupPlan, resources: Resources): void {
  const problems: CgroupProblem[] = [];
  const handed = plan.v2 === null ? [] : handedDown(plan.v2);
  const writes = CONTROLLERS.flatMap((controller) => {
    const held = holderOf(plan, controller, handed);
    const now = (file: string) => held && (readCgroupFile(held.directory, file)?.trimEnd() ?? null);
    const writers = held?.version === 2 ? v2Resources : v1Resources;
    const wanted = orProblems(problems, () => writers[controller]?.(resources, now) ?? []);
    if (held) return wanted.map((write) => ({ ...write, path: `${held.directory}/${write.file}` }));
    if (wanted.some(({ mayFail }) => !mayFail)) {
      problems.push({ controller, why: whyNotHeld(plan, controller) });
    }
    return [];
  });
  if (problems.length > 0) throw new CgroupError(problems);
  for (const { path, text, mayFail } of writes) write(path, text, mayFail ?? false);
  for (const [file, text] of unifiedResources(resources)) writeUnified(plan, file, text);
}

/** What cannot be held is noted, and nothing of it is written. */
function orProblems(problems: CgroupProblem[], writesOf: () => ResourceWrite[]): ResourceWrite[] {
  try {
    return writesOf();
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
    problems.push(...error.problems);
    return [];
  }
}

const handedDown = (directory: string): string[] =>
  (readCgroupFile(directory, 'cgroup.controllers') ?? '').trim().split(' ');

/** By what its own cgroup has: which controllers come down to there is its making. */
function holderOf({ v1, v2 }: CgroupPlan, controller: string, handed: string[]): Held | null {
  const directory = v1[controller];
  if (directory !== undefined) return { version: 1, directory };
  return v2 !== null && handed.includes(inV2(controller)) ? { version: 2, directory: v2 } : null;
}

function whyNotHeld(plan: CgroupPlan, controller: string): string {
  const name = inV2(controller);
  if (plan.v2 === null || !plan.site.layout.controllers[name]?.v2) {
    return whyAbsent(plan, controller, name);
  }
  return `${plan.v2} has no ${name}: a cgroup above it does not hand it down, because it has processes of its own, or is not ours to write`;
}

const CONTROLLERS = [
  'cpuset',
  'cpu',
  'memory',
  'pids',
  'blkio',
  'hugetlb',
  'rdma',
  'net_cls',
  'net_prio',
] as const;

function write(path: string, text: string, mayFail: boolean): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    if (mayFail) return;
    const { code } = cause as NodeJS.ErrnoException;
    throw new OciError(`cgroup: writing ${JSON.stringify(text)} to ${path}: ${code}`, { cause });
  }
}

function writeUnified(plan: CgroupPlan, file: string, text: string): void {
  if (file.includes('/')) throw new OciError(`resources.unified: ${file} is no file of a cgroup`);
  if (plan.v2 === null) {
    throw new OciError(`resources.unified: ${file} is of version 2, which is not mounted here`);
  }
  for (const line of text.split('\n').filter(Boolean)) write(`${plan.v2}/${file}`, line, false);
}

/**
 * Which devices it may use: what the configuration says, and always the ones that every container
 * has. Of a container that runs, `before` are the rules that it has had: what both allow stays
 * allowed meanwhile. Throws CgroupError for what the kernel's list cannot hold, SyscallError without
 * privilege.
 */
export function applyDeviceRules(
  plan: CgroupPlan,
  rules: readonly DeviceRuleSpec[],
  before: readonly DeviceRuleSpec[] | null = null,
): void {
  const policy = devicePolicyOf(rules);
  const { devices } = plan.v1;
  if (devices !== undefined) {
    const shown = parseDevicesList(readCgroupFile(devices, 'devices.list') ?? '');
    const now = shown ?? (before && devicePolicyOf(before));
    for (const { file, text } of deviceChanges(now, policy)) {
      write(`${devices}/${file}`, text, false);
    }
  } else if (plan.v2 !== null) {
    attachDeviceProgram(plan.v2, assembleDeviceProgram(policy));
  }
}

/** As with other runtimes it is none until a rule says otherwise. */
function devicePolicyOf(rules: readonly DeviceRuleSpec[]): DevicePolicy {
  const none: DeviceRule = { allow: false, type: 'a' };
  const given = [none, ...rules.filter(({ type }) => type !== 'p').map(ruleOf)];
  const { otherwise, exceptions } = policyOf(given);
  // Where all is allowed they are, but for those that are named themselves.
  const own = CONTAINER_DEVICES.filter(
    (rule) =>
      rule.allow && (otherwise === 'deny' || exceptions.some((one) => isSameDevice(one, rule))),
  );
  return policyOf([...given, ...own]);
}

const isSameDevice = (one: DeviceException, { type, major = null, minor = null }: DeviceRule) =>
  one.type === type && one.major === major && one.minor === minor;

function ruleOf({ allow, type, major, minor, access }: DeviceRuleSpec): DeviceRule {
  const all = (number: number | undefined) =>
    number === undefined || number === -1 ? null : number;
  // Go writes an empty one where there is none.
  const kind = type === 'u' ? 'c' : type || 'a';
  if (kind === 'p') throw new OciError('a FIFO is no device that rules are about');
  return { allow, type: kind, major: all(major), minor: all(minor), ...(access ? { access } : {}) };
}
