import { describe, expect, it } from 'vitest';
import { deviceChanges, parseDevicesList } from './device-changes.ts';
import { type DeviceRule, policyOf } from './device-rules.ts';

const deny: DeviceRule = { allow: false, type: 'a' };
const one = (allow: boolean, minor: number | null, access = 'rwm'): DeviceRule => {
  return { allow, type: 'c', major: 1, minor, access };
};
const between = (now: DeviceRule[] | null, next: DeviceRule[]) =>
  deviceChanges(now && policyOf(now), policyOf(next)).map(
    ({ file, text }) => `${file.replace('devices.', '')} ${text}`,
  );

describe('from one list of devices to another', () => {
  it('what is new comes before what is gone, and what stays is not touched', () => {
    expect(
      between([deny, one(true, 3), one(true, null, 'm')], [deny, one(true, 3), one(true, 5)]),
    ).toEqual(['allow c 1:5 rwm', 'deny c 1:* m']);
    expect(between([one(false, 3), one(false, 7)], [one(false, 3), one(false, 5)])).toEqual([
      'deny c 1:5 rwm',
      'allow c 1:7 rwm',
    ]);
  });

  it('access is given and taken letter by letter', () => {
    expect(between([deny, one(true, 3, 'rw')], [deny, one(true, 3, 'wm')])).toEqual([
      'allow c 1:3 m',
      'deny c 1:3 r',
    ]);
  });

  it('all is forgotten only for another default, or where it is not known', () => {
    expect(between([deny], [deny])).toEqual([]);
    expect(between([], [deny, one(true, 3)])).toEqual(['deny a', 'allow c 1:3 rwm']);
    expect(between([deny, one(true, 3)], [])).toEqual(['allow a']);
    expect(between(null, [deny])).toEqual(['deny a']);
    expect(between(null, [one(false, 3)])).toEqual(['allow a', 'deny c 1:3 rwm']);
  });

  it('now is what devices.list shows', () => {
    const list = 'c 1:3 rwm\nb *:* m\nc 136:* rw\n';
    expect(parseDevicesList(list)).toEqual({
      otherwise: 'deny',
      exceptions: [
        { type: 'c', major: 1, minor: 3, access: 'rwm' },
        { type: 'b', major: null, minor: null, access: 'm' },
        { type: 'c', major: 136, minor: null, access: 'rw' },
      ],
    });
    expect(parseDevicesList('')).toEqual({ otherwise: 'deny', exceptions: [] });
    expect(parseDevicesList('a *:* rwm\n')).toBe(null);
  });
});
