/**
 * Which devices the processes of a cgroup may open or make nodes for. Rules are read in their
 * order and become what the kernel's version 1 controller keeps: a default, and exceptions to it.
 * What that cannot hold, a rule that takes away a part of what an earlier one gave, is an error,
 * in version 2 as well, so that one list means the same on both.
 *
 * kernel Documentation/admin-guide/cgroup-v1/devices.rst, security/device_cgroup.c
 */
import { CgroupError } from './cgroup-error.ts';

export interface DeviceRule {
  allow: boolean;
  /** Character or block device; `a` is all there are, and forgets the rules before it. */
  type: 'a' | 'b' | 'c';
  /** Null is every number. Of no meaning with `a`. */
  major?: number | null;
  minor?: number | null;
  /** Some of `r`, `w` and `m` (mknod); all by default. */
  access?: string;
}

export interface DeviceException {
  type: 'b' | 'c';
  major: number | null;
  minor: number | null;
  access: string;
}

/** Default deny: allowed is what one exception covers. Default allow: denied is what one touches. */
export interface DevicePolicy {
  otherwise: 'allow' | 'deny';
  exceptions: readonly DeviceException[];
}

/** A list in OCI's and Docker's manner: nothing but null, zero, full, random, urandom, tty, pts. */
export const CONTAINER_DEVICES: readonly DeviceRule[] = [
  { allow: false, type: 'a' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...(
    [
      [1, 3],
      [1, 5],
      [1, 7],
      [1, 8],
      [1, 9],
      [5, 0],
      [5, 1],
      [5, 2],
      [136, null],
    ] as const
  ).map(([major, minor]): DeviceRule => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
];

/** Throws CgroupError for a rule that overlaps with an earlier one without being the same. */
export function policyOf(rules: readonly DeviceRule[]): DevicePolicy {
  let otherwise: DevicePolicy['otherwise'] = 'allow';
  let exceptions: DeviceException[] = [];
  for (const rule of rules) {
    const { allow, type } = rule;
    if (type === 'a') {
      otherwise = allow ? 'allow' : 'deny';
      exceptions = [];
      continue;
    }
    const one = exceptionOf(rule, type);
    const adds = allow === (otherwise === 'deny');
    exceptions = adds ? add(exceptions, one) : take(exceptions, one);
  }
  return { otherwise, exceptions };
}

/** `c 1:3 rwm`, a line of devices.allow, devices.deny and devices.list. */
export const formatDevice = ({ type, major, minor, access }: DeviceException): string =>
  `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`;

function exceptionOf(rule: DeviceRule, type: 'b' | 'c'): DeviceException {
  const { major = null, minor = null, access = 'rwm' } = rule;
  const known = [...'rwm'].filter((letter) => access.includes(letter)).join('');
  if (known === '' || known.length !== access.length) {
    throw refusal(`access ${JSON.stringify(access)} is not made of r, w and m`);
  }
  return { type, major, minor, access: known };
}

const isSame = (a: DeviceException, b: DeviceException) =>
  a.type === b.type && a.major === b.major && a.minor === b.minor;

const overlap = (a: DeviceException, b: DeviceException) =>
  a.type === b.type &&
  (a.major === null || b.major === null || a.major === b.major) &&
  (a.minor === null || b.minor === null || a.minor === b.minor) &&
  [...a.access].some((letter) => b.access.includes(letter));

function add(exceptions: DeviceException[], one: DeviceException): DeviceException[] {
  const others = exceptions.filter((each) => !isSame(each, one));
  const before = exceptions.find((each) => isSame(each, one))?.access ?? '';
  const access = [...'rwm'].filter((letter) => (before + one.access).includes(letter)).join('');
  return [...others, { ...one, access }];
}

function take(exceptions: DeviceException[], one: DeviceException): DeviceException[] {
  return exceptions.flatMap((each) => {
    if (!isSame(each, one)) {
      if (!overlap(each, one)) return [each];
      throw refusal(`"${formatDevice(one)}" takes a part of "${formatDevice(each)}" back`);
    }
    const access = [...each.access].filter((letter) => !one.access.includes(letter)).join('');
    return access === '' ? [] : [{ ...each, access }];
  });
}

const refusal = (what: string) =>
  new CgroupError([
    {
      controller: 'devices',
      why: `${what}, which the kernel’s list cannot hold; name them one by one`,
    },
  ]);
