import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { kernel } from '../kernel/call.ts';
import { AT_FDCWD, S_IFIFO } from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { makeBundle } from './bundle.fixture.ts';
import { homeOf } from './home.ts';

const PASSWD = 'root:x:0:0::/root:/bin/sh\nme:x:7:7::/home/me:/bin/sh\n';

describe('HOME', () => {
  itNeeds(['linux', 'busybox'], 'is the one of its own passwd, or /', async () => {
    await using bundle = makeBundle();
    const path = join(bundle.rootfs, 'etc/passwd');
    expect(homeOf(7, bundle.rootfs, 'etc/passwd')).toBe('/');
    writeFileSync(path, PASSWD);
    expect(homeOf(7, bundle.rootfs, 'etc/passwd')).toBe('/home/me');
    expect(homeOf(8, bundle.rootfs, 'etc/passwd')).toBe('/');
    // Bound on its own: the path is the file.
    expect(homeOf(7, path, '')).toBe('/home/me');
  });

  itNeeds(
    ['linux', 'busybox'],
    'what if passwd is a link to the host’s, or never ends?',
    async () => {
      await using bundle = makeBundle();
      const path = join(bundle.rootfs, 'etc/passwd');
      mkdirSync(join(bundle.directory, 'outside'));
      writeFileSync(join(bundle.directory, 'outside/passwd'), PASSWD);
      symlinkSync(join(bundle.directory, 'outside/passwd'), path);
      expect(homeOf(7, bundle.rootfs, 'etc/passwd')).toBe('/');
      rmSync(path);
      kernel.mknodat(AT_FDCWD, path, S_IFIFO | 0o600, 0);
      expect(homeOf(7, bundle.rootfs, 'etc/passwd')).toBe('/');
    },
  );

  itNeeds(
    ['root', 'busybox'],
    'what if a container that runs makes it a FIFO? exec goes on',
    async () => {
      await using bundle = makeBundle();
      bundle.configure((spec) => {
        spec.process.args = ['sleep', '100'];
      });
      await bundle.box('run', '-d', '-b', bundle.directory, bundle.id);
      kernel.mknodat(AT_FDCWD, join(bundle.rootfs, 'etc/passwd'), S_IFIFO | 0o600, 0);
      const { stdout, status } = await bundle.box('exec', bundle.id, 'sh', '-c', 'echo $HOME');
      expect([stdout, status]).toEqual(['/', 0]);
    },
  );
});
