import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MS_BIND, MS_REC, PR_CAPBSET_DROP, PR_SET_DUMPABLE } from '../kernel/constants.ts';
import { type Calls, launch } from '../launch/program.ts';
import { explainBundle, labOf } from './explain.ts';

const labs = join(import.meta.dirname, '../../labs');

describe('labOf', () => {
  it('names the first lab whose program has the call', () => {
    const first = (name: string) =>
      globSync('*/runtime.ts', { cwd: labs })
        .toSorted()
        .find((path) => readFileSync(join(labs, path), 'utf8').includes(`call.${name}(`))
        ?.slice(0, 2);
    const direct = ['rtSigprocmask', 'closeRange', 'execve', 'chroot', 'chdir', 'mount'] as const;
    const others = [
      'pivotRoot',
      'umount2',
      'sethostname',
      'pidfdOpen',
      'setns',
      'unshare',
    ] as const;
    for (const name of [...direct, ...others]) {
      const line = { kind: 'call', call: name, args: [], mayFail: false } as const;
      expect(labOf(line), name).toBe(first(name));
    }
  });

  it('knows what a mount is for', () => {
    const labsOf = (body: (call: Calls) => void) => launch({}, body).lines.map(labOf);
    expect(
      labsOf((call) => {
        call.mount(null, '/', null, MS_REC);
        call.mount('/root', '/root', null, MS_BIND);
        call.mount('proc', '/proc', 'proc', 0);
        call.gate('x');
        call.fork(0);
        call.fsopen('proc', 0);
        call.prctl(PR_CAPBSET_DROP, 1);
        call.prctl(PR_SET_DUMPABLE, 0);
        call.getpid();
      }),
    ).toEqual(['02', '03', '04', '05', '06', '04', '07', null, null]);
  });
});

describe('explainBundle', () => {
  it('stands each line beside its lab', () => {
    const program = launch({ namespaces: ['mount'] }, (call) => {
      call.pivotRoot('.', '.');
      call.getpid();
    });
    expect(explainBundle(program)).toEqual([
      'lab 02     clone3({flags=CLONE_NEWNS, exit_signal=SIGCHLD}, 88)  clone(2)',
      'lab 03  1  pivot_root(".", ".")                                  pivot_root(2)',
      '        2  getpid()                                              getpid(2)',
    ]);
  });
});
