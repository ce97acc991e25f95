/** What the tests of this room run: a shell with a script, started in the shortest program. */
import { SIG_SETMASK } from '../kernel/constants.ts';
import { type Calls, launch, type Program } from './program.ts';

export const PATH = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
export const quiet = { streams: [0, 1, 2] as const };

/** The last two lines of a program. */
export function sh(call: Calls, script: string): void {
  call.rtSigprocmask(SIG_SETMASK, []);
  call.execve('/bin/sh', ['sh', '-c', script], PATH);
}

export const shell = (script: string, namespaces: Program['namespaces'] = []) =>
  launch({ namespaces }, (call) => sh(call, script));

/** What `promise` was rejected with. Throws when it was not. */
export const rejected = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('it was not rejected');
    },
    (error: unknown) => error,
  );
