/**
 * What an attack on the runtime is: what is put into the image and the configuration, what the
 * container runs, and how it is seen whether it has reached the host. Each is run three times at most:
 *
 *   off       one protection taken away: it is to succeed, or it says nothing about the next two
 *   on        the same with the protection: it is to fail
 *   default   with nothing given to it that the configuration of `box-runtime spec` has not
 *
 * Where the last two are the same, nothing was given, they are one run.
 */
import type { Need } from '../../lib/observe/needs.ts';
import type { Ran, RunOptions, Scene } from './scene.ts';

export type Guard = 'off' | 'on' | 'default';

export interface Verdict {
  succeeded: boolean;
  seen: string;
}

export interface Attack {
  title: string;
  /** What stands between, and is taken away. */
  protection: string;
  needs?: readonly Need[];
  /** What it has in both runs, as something else would stop it too. */
  given?: string;
  /** Why it fails also without the protection, where it does. */
  futile?: string;
  attempt: (scene: Scene, guard: Guard) => Promise<Verdict>;
}

export type Change = NonNullable<RunOptions['change']>;

/** One that is a container and what is seen of it. */
export interface Simple extends Omit<Attack, 'given' | 'attempt'> {
  given?: { what: string; change: Change };
  without: Pick<RunOptions, 'change' | 'rewrite'>;
  /** The container's program: a shell script, or calls in the place of its execve. */
  script?: (scene: Scene) => string;
  calls?: RunOptions['calls'];
  prepare?: (scene: Scene) => void | Promise<void>;
  /** Of its configuration in every run. */
  change?: Change;
  judge: (ran: Ran, scene: Scene) => Verdict;
}

export function simple({ given, without, script, calls, prepare, change, judge, ...rest }: Simple) {
  const attempt: Attack['attempt'] = async (scene, guard) => {
    await prepare?.(scene);
    const ran = await scene.run({
      script: script?.(scene) ?? '',
      ...(calls ? { calls } : {}),
      ...(guard === 'off' && without.rewrite ? { rewrite: without.rewrite } : {}),
      change: (spec, at) => {
        change?.(spec, at);
        if (guard !== 'default') given?.change(spec, at);
        if (guard === 'off') without.change?.(spec, at);
      },
    });
    return judge(ran, scene);
  };
  return { ...rest, ...(given ? { given: given.what } : {}), attempt } satisfies Attack;
}

/** The last words of a container that printed what it has got hold of. */
export const printed =
  (text: string) =>
  (ran: Ran): Verdict =>
    ran.stdout.includes(text)
      ? { succeeded: true, seen: lastLine(ran.stdout) }
      : { succeeded: false, seen: why(ran) };

/** What the container, or who was to make it, says of its failure. */
export const why = ({ refused, stderr, status }: Ran): string =>
  refused?.split('\n')[0]?.slice(0, MOST) || lastLine(stderr) || `exit status ${status}`;

export const lastLine = (text: string): string =>
  (text.trim().split('\n').at(-1) ?? '').slice(0, MOST);

const MOST = 140;
