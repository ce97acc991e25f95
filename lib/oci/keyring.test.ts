import { describe, expect } from 'vitest';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { COMMAND_LINE, makeBundle } from './bundle.fixture.ts';
import { rule } from './seccomp/profile.fixture.ts';
import { loadSeccomp } from './seccomp.ts';
import type { Seccomp } from './spec.ts';

const EDQUOT = 122;

describe('the session keyring of a container', () => {
  itNeeds(['root'], 'is its own, and that of what comes into it', async () => {
    await using bundle = makeBundle();
    const { box, directory, id } = bundle;
    bundle.configure((spec) => {
      spec.process.args = ['sleep', '600'];
      Object.assign(spec.linux, { maskedPaths: [] });
    });
    expect((await box('run', '--detach', '-b', directory, id)).stderr).toBe('');
    for (const _ of [1, 2]) {
      const { stdout } = await box('exec', id, 'cat', '/proc/keys');
      const own = stdout.split('\n').filter((line) => line.includes(`_ses.${id}`));
      // One, as long as nothing makes another of that name; its user may search it.
      expect(own).toHaveLength(1);
      expect(own[0]).toContain(' 3f1b0000 ');
    }
  });

  itNeeds(['root'], 'stays the caller’s only where that is asked for', async () => {
    await using bundle = makeBundle();
    const { directory, id, root } = bundle;
    bundle.configure((spec) => {
      spec.process.args = ['true'];
    });
    const [program, ...source] = COMMAND_LINE;
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [rule('keyctl', 'ERRNO', [], EDQUOT)],
    };
    const run = (...options: string[]) =>
      capture(
        launch({}, (call) => {
          loadSeccomp({ call, spec: { ociVersion: '1.2.0', linux: { seccomp } } });
          const argv = [...source, '--root', root, 'run', '-b', directory, ...options, id];
          call.execve(program, [program, ...argv], { PATH: process.env.PATH ?? '' });
        }),
      );
    const { stderr } = await run();
    expect(stderr).toContain('no session keyring of its own: keyctl: EDQUOT: its user has as many');
    expect((await run('--no-new-keyring')).exit).toMatchObject({ code: 0 });
  });
});
