/**
 * From one device policy to another in version 1, line by line, so that what both allow is allowed
 * all the time. A kernel that is told `a` forgets every exception, and refuses it of a cgroup that has
 * others below it: that is only for where the default is to be another, or the exceptions of a default
 * that allows, which devices.list does not show, are not known.
 *
 * kernel Documentation/admin-guide/cgroup-v1/devices.rst, security/device_cgroup.c
 */
import { type DeviceException, type DevicePolicy, formatDevice } from './device-rules.ts';

export interface DeviceChange {
  file: 'devices.allow' | 'devices.deny';
  text: string;
}

/** In their order: what is new, then what is gone. `now` is null where it is not known. */
export function deviceChanges(now: DevicePolicy | null, next: DevicePolicy): DeviceChange[] {
  const [all, add, take] =
    next.otherwise === 'deny'
      ? (['devices.deny', 'devices.allow', 'devices.deny'] as const)
      : (['devices.allow', 'devices.deny', 'devices.allow'] as const);
  const same = now?.otherwise === next.otherwise;
  const before = same ? now.exceptions : [];
  return [
    ...(same ? [] : [{ file: all, text: 'a' }]),
    ...lacking(before, next.exceptions).map((one) => ({ file: add, text: formatDevice(one) })),
    ...lacking(next.exceptions, before).map((one) => ({ file: take, text: formatDevice(one) })),
  ];
}

/** What devices.list shows; null where all is allowed, and perhaps not some that it does not show. */
export function parseDevicesList(text: string): DevicePolicy | null {
  const exceptions = text
    .split('\n')
    .filter(Boolean)
    .map((line): DeviceException | null => {
      const [, type, major = '', minor = '', access = ''] =
        /^([bc]) (\*|\d+):(\*|\d+) ([rwm]+)$/.exec(line) ?? [];
      const number = (given: string) => (given === '*' ? null : Number(given));
      if (type !== 'b' && type !== 'c') return null;
      return { type, major: number(major), minor: number(minor), access };
    });
  const known = exceptions.filter((one) => one !== null);
  return known.length === exceptions.length ? { otherwise: 'deny', exceptions: known } : null;
}

/** Of `wanted` what `there` has not: the kernel compares type and numbers, and adds access to access. */
const lacking = (there: readonly DeviceException[], wanted: readonly DeviceException[]) =>
  wanted.flatMap((one) => {
    const has = there.find(
      ({ type, major, minor }) => type === one.type && major === one.major && minor === one.minor,
    );
    const access = [...one.access].filter((letter) => !has?.access.includes(letter)).join('');
    return access === '' ? [] : [{ ...one, access }];
  });
