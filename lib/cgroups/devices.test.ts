/** What a list of devices means to the kernel, in version 1 and, as a program, in version 2. */
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { openBox, planFor } from './container.fixture.ts';
import { assembleDeviceProgram } from './device-program.ts';
import { CONTAINER_DEVICES, type DeviceRule, policyOf } from './device-rules.ts';

const NODES = { null: [1, 3], zero: [1, 5], full: [1, 7], kmsg: [1, 11] } as const;

/** Errors go nowhere, and not to /dev/null, which is a device too. Tries to read, write and make each node; says which letters of rwm the kernel allows. */
const PROBE = `d=$(mktemp -d); ${Object.entries(NODES)
  .map(
    ([name, [major, minor]]) =>
      `printf '${name} '
(: < /dev/${name}) 2>&- && printf r
(: >> /dev/${name}) 2>&- && printf w
mknod $d/${name} c ${major} ${minor} 2>&- && printf m
echo`,
  )
  .join('\n')}
mknod $d/block b 7 200 2>&- && echo block m || echo block
rm -r $d`;

const deny: DeviceRule = { allow: false, type: 'a' };
const rule = (allow: boolean, name: keyof typeof NODES, access = 'rwm'): DeviceRule => {
  const [major, minor] = NODES[name];
  return { allow, type: 'c', major, minor, access };
};
const every = (allow: boolean, type: 'b' | 'c', access = 'rwm', major: number | null = null) =>
  ({ allow, type, major, minor: null, access }) as const;

const lists: [string, DeviceRule[], string][] = [
  ['nothing', [deny], 'null |zero |full |kmsg |block'],
  ['one device', [deny, rule(true, 'null')], 'null rwm|zero |full |kmsg |block'],
  [
    'parts of the access',
    [deny, rule(true, 'null', 'r'), rule(true, 'zero', 'w'), rule(true, 'full', 'wm')],
    'null r|zero w|full wm|kmsg |block',
  ],
  [
    'a whole major number',
    [deny, every(true, 'c', 'rw', 1)],
    'null rw|zero rw|full rw|kmsg rw|block',
  ],
  ['all block devices', [deny, every(true, 'b')], 'null |zero |full |kmsg |block m'],
  ['all but one', [rule(false, 'zero')], 'null rwm|zero |full rwm|kmsg rwm|block m'],
  ['all but one way', [rule(false, 'zero', 'w')], 'null rwm|zero rm|full rwm|kmsg rwm|block m'],
  ['what a container has', [...CONTAINER_DEVICES], 'null rwm|zero rwm|full rwm|kmsg m|block m'],
  [
    'what was given and taken back',
    [deny, rule(true, 'null'), rule(false, 'null', 'w')],
    'null rm|zero |full |kmsg |block',
  ],
];

describe.each([
  [1, 'v1:devices'],
  [2, 'cgroup-v2'],
] as const)('in version %i', (version, need) => {
  for (const [name, devices, allowed] of lists) {
    itNeeds(['root', need], `allowed is ${name}`, async () => {
      await using box = await openBox(planFor(version, ['devices', 'freezer']), { devices });
      const { stdout } = await box.run(PROBE);
      expect(stdout.trim().split('\n').join('|')).toBe(allowed);
    });
  }

  itNeeds(['root', need], 'cgroups below cannot give themselves more', async () => {
    const devices = [deny, rule(true, 'null')];
    await using box = await openBox(planFor(version, ['devices', 'freezer']), { devices });
    const directory = version === 1 ? box.plan.v1.devices : box.plan.v2;
    const { stdout } = await box.run(`mkdir ${directory}/inner 2>&-
echo 0 > ${directory}/inner/cgroup.procs
echo a > ${directory}/inner/devices.allow 2>&-
(: < /dev/null) && echo null; (: < /dev/zero) 2>&- || echo no zero`);
    expect(stdout).toBe('null\nno zero\n');
  });
});

it('a program is a list of instructions of eight bytes that ends with an answer', () => {
  const bytes = assembleDeviceProgram(policyOf([deny]));
  expect(bytes).toHaveLength(8 * 8);
  // r0 = 0; exit
  expect(Buffer.from(bytes.subarray(-16)).toString('hex')).toBe('b7000000000000009500000000000000');
});
