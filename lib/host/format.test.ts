import { expect, it } from 'vitest';
import { MS_BIND, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC } from '../kernel/constants.ts';
import type { Effect } from './action.ts';
import { formatEffect } from './format.ts';

const mount = { do: 'mount', source: null, target: '/m', fstype: null, flags: 0 } as const;
const inside = { pid: 7, namespaces: ['network' as const, 'mount' as const] };

const rows: [Effect, string][] = [
  [{ do: 'mkdir', path: '/a b' }, "mkdir -p '/a b'"],
  [{ do: 'mkdir', path: '/a', mode: 0o700 }, 'mkdir -p -m 0700 /a'],
  [{ do: 'remove', path: "/it's" }, "rm -rf --one-file-system '/it'\\''s'"],
  [{ do: 'write', path: '/proc/x', text: '1\n' }, 'echo 1 > /proc/x'],
  [{ do: 'write', path: '/x', text: 'a\nb\n' }, "printf %s 'a\nb\n' > /x"],
  [{ ...mount, flags: MS_REC | MS_PRIVATE }, 'mount --make-rprivate /m'],
  [{ ...mount, source: '/s', flags: MS_REC | MS_BIND }, 'mount --rbind /s /m'],
  [
    { ...mount, source: 'o', fstype: 'overlay', flags: MS_RDONLY | MS_NOSUID, data: 'lowerdir=/l' },
    'mount -t overlay -o ro,nosuid,lowerdir=/l o /m',
  ],
  [{ do: 'unmount', path: '/m' }, 'umount --lazy /m'],
  [
    { do: 'run', argv: ['ip', 'link'], inside },
    'nsenter --net=/proc/7/ns/net --mount=/proc/7/ns/mnt ip link',
  ],
  [
    { do: 'run', argv: ['nft', '-f', '-'], input: 'add table x\n' },
    "echo 'add table x' | nft -f -",
  ],
  [
    { do: 'remove-cgroups', paths: ['/c/a', '/d/a'], parents: ['/c'] },
    'find /c/a /d/a -name cgroup.procs -exec cat {} + | xargs -r kill -KILL; find /c/a /d/a -depth -type d -exec rmdir {} \\;; rmdir --ignore-fail-on-non-empty /c',
  ],
  [
    { do: 'hand-down', top: '/c', base: '/c/x', controllers: ['cpu', 'io'] },
    "echo '+cpu +io' > /c/cgroup.subtree_control; echo '+cpu +io' > /c/x/cgroup.subtree_control",
  ],
  [
    { do: 'take-back', top: '/c', base: '/c/x' },
    "rmdir /c/x && echo '-…' > /c/cgroup.subtree_control",
  ],
  [
    { do: 'move-processes', from: '/c', to: '/c/x' },
    'for pid in $(cat /c/cgroup.procs); do echo $pid > /c/x/cgroup.procs; done',
  ],
  [
    { do: 'attach-device-program', path: '/c', program: Buffer.alloc(16).toString('base64') },
    'bpftool cgroup attach /c cgroup_device … # 2 instructions',
  ],
];

it.each(rows)('%j is printed as one would type it', (effect, line) => {
  expect(formatEffect(effect)).toBe(line);
});
