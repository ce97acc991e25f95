import { readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MS_PRIVATE, MS_REC } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { stepProgram } from '../launch/step.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { parseMountinfo } from '../observe/mountinfo.ts';
import { compareMounts, type Look, lookAt } from './look.ts';
import { formatLook } from './look-text.ts';

describe('a look at a half-built container', () => {
  itNeeds(['root'], 'shows what each line made different from here', async () => {
    const program = launch({ namespaces: ['mount', 'uts'] }, (call) => {
      call.mount(null, '/', null, MS_REC | MS_PRIVATE);
      call.mount('looked-at', '/tmp', 'tmpfs', 0);
      call.chroot('/tmp');
      call.chdir('/');
      call.exit(0);
    });
    const looks: Look[] = [];
    await stepProgram(program, {
      ask: async ({ pid }) => {
        looks.push(lookAt(pid));
        return 'next';
      },
    });
    const last = looks.at(-1) as Look;
    const own = last.namespaces.filter(({ differs }) => differs).map(({ kind }) => kind);
    expect(own).toEqual(['mount', 'uts']);
    expect(looks.map(({ root }) => root)).toEqual(['/', '/', '/', '/tmp', '/tmp']);
    expect(looks[3]?.cwd).toBe(process.cwd());
    expect(last.cwd).toBe('/tmp');
    expect(looks[0]?.mounts.added).toEqual([]);
    expect(looks[2]?.mounts.added).toMatchObject([{ mountPoint: '/tmp', source: 'looked-at' }]);
    expect(formatLook(looks[2] as Look)).toContain('  + /tmp  tmpfs from looked-at');
    expect(formatLook(last).join('\n')).toContain(`its own      ${last.namespaces[0]?.link}`);
  });

  itNeeds(['linux'], 'finds no difference in this very process', () => {
    const look = lookAt(process.pid);
    expect(look.namespaces.some(({ differs }) => differs)).toBe(false);
    expect(look.mounts).toMatchObject({ added: [], removed: [], changed: [] });
    expect(look.cwd).toBe(readlinkSync('/proc/self/cwd'));
    expect(look.descriptors.length).toBeGreaterThan(2);
  });
});

describe('two mount tables', () => {
  const ours = parseMountinfo(
    [
      '20 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw',
      '21 20 0:20 / /proc rw - proc proc rw',
      '22 20 0:30 / /tmp rw - tmpfs tmpfs rw',
    ].join('\n'),
  );
  const theirs = parseMountinfo(
    [
      '90 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '91 90 0:20 / /proc ro - proc proc rw',
      '92 90 0:31 / /tmp rw - tmpfs tmpfs rw',
    ].join('\n'),
  );

  it('are compared by what is mounted where, not by ids', () => {
    expect(compareMounts(ours, theirs)).toMatchObject({
      count: 3,
      added: [{ device: '0:31', mountPoint: '/tmp' }],
      removed: [{ device: '0:30', mountPoint: '/tmp' }],
      changed: [
        { mountPoint: '/', ours: 'rw shared', theirs: 'rw private' },
        { mountPoint: '/proc', ours: 'rw private', theirs: 'ro private' },
      ],
    });
  });

  it('count a second mount of the same thing on the same place', () => {
    const again = ours[2] ? [...ours, ours[2]] : [];
    expect(compareMounts(ours, again).added).toHaveLength(1);
  });
});
