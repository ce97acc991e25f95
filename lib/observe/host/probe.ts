/**
 * What no file tells: whether this process may make namespaces and mount in them. So it is tried,
 * by unshare(1), in a process that is gone a moment later and takes everything with it. First all
 * at once; only when that is refused each kind alone, so that the answer names the culprit.
 *
 * unshare(1), unshare(2), namespaces(7)
 */
import { spawnSync } from 'node:child_process';

/** `user` stands for making a user namespace and becoming root in it. */
export type Probed = 'user' | 'mount' | 'uts' | 'ipc' | 'network' | 'pid' | 'proc';

export type Probe = {
  /** False where there was no unshare(1) to try with: then nothing is known. */
  tried: boolean;
  /** What was refused, and what unshare(1) said to it. */
  refused: Partial<Record<Probed, string>>;
};

/** Short options, which util-linux and busybox share, except for --mount-proc, which both have. */
const FLAGS: Record<Exclude<Probed, 'user'>, string[]> = {
  mount: ['-m'],
  uts: ['-u'],
  ipc: ['-i'],
  network: ['-n'],
  pid: ['-p', '-f'],
  proc: ['-m', '-p', '-f', '--mount-proc'],
};
const ALL = ['-m', '-u', '-i', '-n', '-p', '-f', '--mount-proc'];

/** Tries with the privileges that this process has, or as the root of a new user namespace. */
export function probeNamespaces(as: 'self' | 'user namespace', unshare: string | null): Probe {
  if (!unshare) return { tried: false, refused: {} };
  const base = as === 'self' ? [] : ['-U', '-r'];
  if (refusal(unshare, [...base, ...ALL]) === null) return { tried: true, refused: {} };
  if (base.length > 0) {
    const said = refusal(unshare, base);
    if (said !== null) return { tried: true, refused: { user: said } };
  }
  const refused: Probe['refused'] = {};
  for (const [kind, flags] of Object.entries(FLAGS)) {
    const said = refusal(unshare, [...base, ...flags]);
    if (said !== null) refused[kind as Probed] = said;
  }
  return { tried: true, refused };
}

/** Tries an overlay mount in a mount namespace of its own; null where nothing can try. */
export function probeOverlay(as: 'self' | 'user namespace', unshare: string | null) {
  if (!unshare) return null;
  const [flags, option] = as === 'self' ? [['-m'], ''] : [['-U', '-r', '-m'], ',userxattr'];
  const script = `mount -t tmpfs probe /tmp && cd /tmp && mkdir l u w m &&
    mount -t overlay probe -o lowerdir=l,upperdir=u,workdir=w${option} m`;
  return refusal(unshare, [...flags, 'sh', '-c', script]) === null;
}

/** Null when the command ran and succeeded, else why not, on one line. */
function refusal(unshare: string, args: string[]): string | null {
  const command = args.includes('sh') ? args : [...args, 'true'];
  const { status, signal, stderr, error } = spawnSync(unshare, command, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: 5000,
    env: { PATH: process.env.PATH, LC_ALL: 'C' },
  });
  if (status === 0) return null;
  const said = stderr?.trim().split('\n').at(-1);
  return said || error?.message || (signal ? `killed by ${signal}` : `exit code ${status}`);
}
