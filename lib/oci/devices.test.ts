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

  itNeeds(
    ['root', 'v1:devices'],
    'are those that its rules allow, whatever nodes there are',
    async () => {
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
    },
  );
});
