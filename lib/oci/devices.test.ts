import { describe, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { makeBundle } from './bundle.fixture.ts';

describe('the devices of a container', () => {
  itNeeds(
    ['root', 'stat'],
    'are those that every one has, and those that it asks for',
    async () => {
      await using bundle = makeBundle();
      const script = "stat -c '%n %F %t:%T %a %u:%g' /dev/null /dev/own /dev/pipe /dev/deep/disk";
      const { stdout, stderr } = await bundle.run(script, ({ linux }) => {
        linux.devices = [
          { type: 'c', path: '/dev/own', major: 1, minor: 5, fileMode: 0o640, uid: 7, gid: 8 },
          { type: 'p', path: '/dev/pipe', fileMode: 0o600 },
          { type: 'b', path: '/dev/deep/disk', major: 7, minor: 3 },
        ];
      });
      expect(stderr).toBe('');
      expect(stdout.split('\n')).toEqual([
        '/dev/null character special file 1:3 666 0:0',
        '/dev/own character special file 1:5 640 7:8',
        '/dev/pipe fifo 0:0 600 0:0',
        '/dev/deep/disk block special file 7:3 666 0:0',
      ]);
    },
  );

  itNeeds(['root'], 'are those that its rules allow, whatever nodes there are', async () => {
    const read = async (allow: boolean) => {
      await using bundle = makeBundle();
      return await bundle.run('head -c 1 /dev/own | wc -c; cat /dev/null', ({ linux }) => {
        linux.devices = [{ type: 'c', path: '/dev/own', major: 10, minor: 237 }];
        const rule = { allow, type: 'c', major: 10, minor: 237, access: 'r' } as const;
        linux.resources = { devices: [{ allow: false, access: 'rwm' }, rule] };
      });
    };
    // /dev/loop-control, which opens and has nothing to read.
    expect((await read(false)).stderr).toContain('Operation not permitted');
    expect((await read(true)).stderr).not.toContain('Operation not permitted');
  });

  itNeeds(['root'], 'are no more than every one has, where it has no rules', async () => {
    await using bundle = makeBundle();
    const { stderr } = await bundle.run('(: > /dev/kmsg); (: > /dev/null)', ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11 }];
      linux.resources = {};
    });
    expect(stderr).toMatch(/^[^\n]*kmsg: Operation not permitted$/);
  });

  itNeeds(['root'], 'are all where a rule has an empty type, as Go writes none', async () => {
    await using bundle = makeBundle();
    const { stderr } = await bundle.run(': > /dev/kmsg', ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/dev/kmsg', major: 1, minor: 11 }];
      linux.resources = { devices: [{ allow: true, type: '' as 'a' }] };
    });
    expect(stderr).toBe('');
  });

  itNeeds(['root'], 'are all but those that it names, where its rules begin so', async () => {
    await using bundle = makeBundle();
    const { stderr } = await bundle.run('(: > /dev/kmsg); (: < /dev/port)', ({ linux, mounts }) => {
      const path = '/dev/kmsg';
      mounts.push({ destination: path, type: 'bind', source: path, options: ['bind'] });
      linux.devices = [{ type: 'c', path: '/dev/port', major: 1, minor: 14 }];
      const kmsg = { type: 'c', major: 1, minor: 11, access: 'rwm' } as const;
      linux.resources = { devices: [{ allow: true }, { ...kmsg, allow: false }] };
    });
    // There is no device of the other number.
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/kmsg: Operation not permitted$/),
      expect.stringMatching(/port: No such device or address$/),
    ]);
  });
});
