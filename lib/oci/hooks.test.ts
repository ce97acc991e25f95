import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rejected, shell } from '../launch/shell.fixture.ts';
import { start } from '../launch/start.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { runHooks, runHooksAnyway } from './hooks.ts';
import type { Hook, State } from './spec.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'unboxed-hooks-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const stateOf = (): State => ({
  ociVersion: '1.2.0',
  id: 'hooked',
  status: 'creating',
  pid: 4242,
  bundle: directory,
  annotations: { a: 'b' },
});

const sh = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: '/bin/sh',
  args: ['sh', '-c', script],
  env: ['PATH=/usr/bin:/bin'],
  ...more,
});

const written = (name: string) => readFileSync(join(directory, name), 'utf8');
const failure = (prestart: Hook[]) => rejected(runHooks({ prestart }, 'prestart', stateOf()));

describe('runHooks', () => {
  it('runs each in its turn, with the state, in the bundle', async () => {
    const hook = (name: string) => sh(`sleep 0.05; cat > ${name}; echo ${name} >> order`);
    const prestart = [hook('one'), hook('two')];
    await runHooks({ prestart, poststop: [sh('exit 1')] }, 'prestart', stateOf());
    expect(written('order')).toBe('one\ntwo\n');
    expect(JSON.parse(written('one'))).toEqual(stateOf());
  });

  it('gives it the arguments and the environment that it names, and no other', async () => {
    const hook = sh('{ echo "$0"; tr "\\0" "\\n" < /proc/self/environ; } > seen', {
      args: ['other', '-c', 'cat /proc/$$/environ > seen; echo $0 >> seen', 'zero'],
      env: ['PATH=/usr/bin:/bin', 'GIVEN=x'],
    });
    await runHooks({ prestart: [hook] }, 'prestart', stateOf());
    expect(written('seen')).toBe('PATH=/usr/bin:/bin\0GIVEN=x\0zero\n');
  });

  it('does without any', async () => {
    await runHooks(undefined, 'poststart', stateOf());
    await runHooks({}, 'poststart', stateOf());
  });

  it('ends at the first that fails, with what it said', async () => {
    const hooks = [sh('true'), sh('echo why >&2; exit 3'), sh('echo > never')];
    expect(String(await failure(hooks))).toContain(
      'hooks.prestart[1]: /bin/sh: exit status 3; it said: why',
    );
    expect(() => written('never')).toThrow('ENOENT');
    expect(String(await failure([{ path: '/no/such/hook' }]))).toContain('/no/such/hook: spawn');
    expect(String(await failure([sh('kill -TERM $$')]))).toContain('killed by SIGTERM');
  });

  it('ends one that takes longer than its timeout', async () => {
    const hooks = [sh('echo $$ > pid; exec sleep 60', { timeout: 1 })];
    expect(String(await failure(hooks))).toContain('killed after its timeout of 1 s');
    expect(() => readFileSync(`/proc/${written('pid').trim()}/stat`)).toThrow();
  });

  it('does not wait for what a hook leaves behind', async () => {
    await runHooks({ prestart: [sh('sleep 60 & echo $! > pid')] }, 'prestart', stateOf());
    const pid = Number(written('pid'));
    expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toMatch(/\(sleep\) [RSD]/);
    process.kill(pid);
  });

  it('does not mind one that reads no state', async () => {
    const long = { ...stateOf(), annotations: { long: 'x'.repeat(1 << 20) } };
    await runHooks({ prestart: [sh('exec <&-; true')] }, 'prestart', long);
  });

  itNeeds(
    ['root'],
    'runs one in the namespaces of a process, the program found there',
    async () => {
      const child = await start(
        shell(
          'mount --make-rprivate / && mount -t tmpfs t /mnt && cp /bin/sh /mnt/hook; exec sleep 60',
          ['mount', 'pid', 'uts', 'network'],
        ),
        { streams: [0, 1, 2] },
      );
      try {
        await untilThere(`/proc/${child.pid}/root/mnt/hook`);
        const script =
          'echo > /mnt/seen; readlink /proc/self/ns/mnt >> /mnt/seen; cat >> /mnt/seen';
        const createContainer = [{ ...sh(script), path: '/mnt/hook' }];
        await runHooks({ createContainer }, 'createContainer', stateOf(), {
          inside: { pid: child.pid },
        });
        const seen = readFileSync(`/proc/${child.pid}/root/mnt/seen`, 'utf8').split('\n');
        expect(seen[1]).toBe(readlinkSync(`/proc/${child.pid}/ns/mnt`));
        expect(JSON.parse(seen.at(-1) ?? '')).toEqual(stateOf());
        const failing = [{ ...sh('echo why >&2; exit 7'), path: '/mnt/hook' }];
        const options = { inside: { pid: child.pid } };
        const error = await rejected(
          runHooks({ startContainer: failing }, 'startContainer', stateOf(), options),
        );
        expect(String(error)).toContain(
          'startContainer[0]: /mnt/hook: exit status 7; it said: why',
        );
        const slow = [{ ...sh('exec sleep 60', { timeout: 1 }), path: '/mnt/hook' }];
        expect(
          String(
            await rejected(
              runHooks({ startContainer: slow }, 'startContainer', stateOf(), options),
            ),
          ),
        ).toContain('killed after its timeout');
      } finally {
        child.kill();
        await child.exited;
      }
    },
  );
});

describe('runHooksAnyway', () => {
  it('runs the rest too, and tells of each that failed', async () => {
    const poststop = [sh('exit 1'), sh('echo > ran'), { path: '/none' }];
    const warnings = await runHooksAnyway({ poststop }, 'poststop', stateOf());
    expect(warnings).toEqual([
      'hooks.poststop[0]: /bin/sh: exit status 1',
      expect.stringContaining('hooks.poststop[2]: /none: spawn'),
    ]);
    expect(written('ran')).toBe('\n');
  });
});

async function untilThere(path: string): Promise<void> {
  for (;;) {
    try {
      if (readFileSync(path).length > 0) return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
