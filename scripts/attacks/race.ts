/**
 * What if … somebody who can write the image exchanges a directory for a link while the container
 * starts? A process of its own does nothing else, as fast as it can. Without the protection a path is
 * looked at, found to be a directory, and then used by its name. CVE-2021-30465, CVE-2023-27561
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AT_FDCWD, MS_BIND, S_IFCHR } from '../../lib/kernel/constants.ts';
import { makeDevice } from '../../lib/kernel/structs.ts';
import { isResult, type Line, type Program } from '../../lib/launch/program.ts';
import type { Attack, Verdict } from './attack.ts';
import { beforePivot, rewriteLines } from './rewrite.ts';
import type { Ran, RunOptions, Scene } from './scene.ts';

const ROUNDS = 30;
/** Without the protection, until it has succeeded. */
const MOST_ROUNDS = 200;

const EXCHANGER = fileURLToPath(new URL('exchange.ts', import.meta.url));

/** While `body` runs the two names change places: each is there at every moment. */
async function whileExchanged<T>(one: string, other: string, body: () => Promise<T>): Promise<T> {
  const exchanger = spawn(process.execPath, [EXCHANGER, one, other], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(exchanger, 'exit');
  try {
    await Promise.race([once(exchanger.stdout, 'data'), ended]);
    const result = await body();
    if (exchanger.exitCode !== null) throw new Error('the names were not exchanged to the end');
    return result;
  } finally {
    exchanger.kill('SIGKILL');
    await ended;
  }
}

interface Race {
  what: string;
  prepare: (scene: Scene) => [one: string, other: string];
  on: RunOptions;
  off: (scene: Scene) => RunOptions;
  reached: (ran: Ran, scene: Scene) => boolean;
}

const race = ({ what, prepare, on, off, reached }: Race): Attack => ({
  title: `a directory that becomes a link while the container starts, in the place of ${what}`,
  protection: 'places are walked to in the root, and from the mounts that are ours',
  attempt: async (scene, guard): Promise<Verdict> => {
    const [one, other] = prepare(scene);
    return await whileExchanged(one, other, async () => {
      const most = guard === 'off' ? MOST_ROUNDS : ROUNDS;
      let started = 0;
      for (let round = 1; round <= most; round++) {
        const ran = await scene.run(guard === 'off' ? off(scene) : on);
        if (ran.refused === undefined) started += 1;
        if (reached(ran, scene)) return { succeeded: true, seen: `in round ${round}` };
      }
      return { succeeded: false, seen: `in ${most} rounds; ${started} containers were started` };
    });
  },
});

/** A directory `spot`, and a link to the host's. */
function spotAndLink({ rootfs, outside }: Scene): [string, string] {
  mkdirSync(join(rootfs, 'spot'));
  symlinkSync(outside, join(rootfs, 'aside'));
  return [join(rootfs, 'spot'), join(rootfs, 'aside')];
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Looked at here, used later. */
const byPath =
  (make: Parameters<typeof beforePivot>[1]) =>
  (program: Program, { rootfs }: Scene): Program =>
    isDirectory(join(rootfs, 'spot')) ? beforePivot(program, make) : program;

const isOutside = (_: Ran, { outside }: Scene) => existsSync(join(outside, 'new'));

const mounted = race({
  what: 'a tmpfs',
  prepare: spotAndLink,
  on: {
    script: 'true',
    change: ({ mounts }) => void mounts.push({ destination: '/spot/new', type: 'tmpfs' }),
  },
  off: ({ rootfs }) => ({
    script: 'true',
    rewrite: byPath((call) => {
      call.attempt.mkdirat(AT_FDCWD, join(rootfs, 'spot/new'), 0o755);
      call.attempt.mount('tmpfs', join(rootfs, 'spot/new'), 'tmpfs', 0);
    }),
  }),
  reached: isOutside,
});

const bound = race({
  what: 'a bind mount',
  prepare: spotAndLink,
  on: {
    script: 'true',
    change: ({ mounts }) =>
      void mounts.push({ destination: '/spot/new', type: 'bind', source: 'outside' }),
  },
  off: ({ rootfs, outside }) => ({
    script: 'true',
    rewrite: byPath((call) => {
      call.attempt.mkdirat(AT_FDCWD, join(rootfs, 'spot/new'), 0o755);
      call.attempt.mount(outside, join(rootfs, 'spot/new'), null, MS_BIND);
    }),
  }),
  reached: isOutside,
});

const node = race({
  what: 'a device',
  prepare: spotAndLink,
  on: {
    script: 'true',
    change: ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/spot/new', major: 1, minor: 5 }];
    },
  },
  off: ({ rootfs }) => ({
    script: 'true',
    rewrite: byPath((call) => {
      const path = join(rootfs, 'spot/new');
      call.attempt.mknodat(AT_FDCWD, path, S_IFCHR | 0o666, makeDevice(1, 5));
    }),
  }),
  reached: isOutside,
});

const OPEN = 'open:';

/** Wherever procfs has come to be: is what is to be masked in it to be read? */
const LOOK = `for proc in /proc /proc.aside /decoy; do
  [ -e $proc/self/stat ] || continue
  keys=$(cat $proc/keys)
  [ -n "$keys" ] && echo ${OPEN} $proc
done; true`;

/** /proc and a decoy that both have what is to be masked; the other is a link to a second decoy. */
function decoys({ rootfs }: Scene): [string, string] {
  for (const name of ['proc', 'decoy']) {
    mkdirSync(join(rootfs, name, 'sys'), { recursive: true });
    writeFileSync(join(rootfs, name, 'keys'), '');
  }
  symlinkSync('/decoy', join(rootfs, 'proc.aside'));
  return [join(rootfs, 'proc'), join(rootfs, 'proc.aside')];
}

const maskedProc: RunOptions = {
  script: LOOK,
  change: ({ linux }) => {
    linux.maskedPaths = ['/proc/keys'];
    linux.readonlyPaths = [];
  },
};

/** As if nothing were known of the mount: from the root, by name. */
function fromTheRoot(program: Program): Program {
  const opened = new Set<Line>();
  const contexts = new Set<Line>();
  return rewriteLines(program, (line, call) => {
    const [first, second] = line.args;
    if (line.call === 'fsopen' && first === 'proc') contexts.add(line);
    if (line.call === 'fsmount' && isResult(first) && contexts.has(first.of)) opened.add(line);
    if (line.call !== 'openat2' || !isResult(first) || !opened.has(first.of)) return false;
    call.openat2(AT_FDCWD, `proc/${String(second)}`, line.args[2] as Uint8Array);
    return true;
  });
}

const mask = race({
  what: '/proc, so that what masks it covers something else',
  prepare: decoys,
  on: maskedProc,
  off: () => ({ ...maskedProc, rewrite: fromTheRoot }),
  reached: ({ stdout }) => stdout.includes(OPEN),
});

export const attacks: readonly Attack[] = [mounted, bound, node, mask];
