/**
 * What if … the configuration is hostile, as an engine makes it from what an image asks for: paths of
 * namespaces that are none, or others; a volume over the kernel’s own file systems?
 */
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernel } from '../../lib/kernel/call.ts';
import {
  AT_FDCWD,
  CLONE_NEWUTS,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_BIND,
  O_CLOEXEC,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from '../../lib/kernel/constants.ts';
import { launch, type Program, type Result } from '../../lib/launch/program.ts';
import { start } from '../../lib/launch/start.ts';
import type { Spec } from '../../lib/oci/spec.ts';
import { type Attack, printed, simple, why } from './attack.ts';
import { beforePivot, rewriteLines } from './rewrite.ts';
import { type Scene, SECRET } from './scene.ts';

const without = (spec: Required<Spec>, kind: string) => {
  spec.linux.namespaces = spec.linux.namespaces?.filter(({ type }) => type !== kind) ?? [];
};

/** Somebody else's, bound on a file, so that nothing tells its kind. */
async function withTheirNames<T>(scene: Scene, body: (path: string) => Promise<T>): Promise<T> {
  const path = join(scene.directory, 'namespace');
  closeSync(openSync(path, 'w'));
  const theirs = await start(
    launch({ namespaces: ['uts'] }, (call) => {
      call.sethostname(SECRET);
      call.execve('/bin/sleep', ['sleep', '60'], {});
    }),
  );
  kernel.mount(`/proc/${theirs.pid}/ns/uts`, path, null, MS_BIND);
  try {
    return await body(path);
  } finally {
    kernel.umount2(path, MNT_DETACH);
    theirs.kill();
    await theirs.exited;
  }
}

const otherKind: Attack = {
  title: 'a namespace of one kind where another is named: somebody’s uts as ipc',
  protection: 'setns is told the kind',
  attempt: (scene, guard) =>
    withTheirNames(scene, async (path) => {
      const ran = await scene.run({
        script: 'cat /proc/sys/kernel/hostname',
        change: (spec) => {
          without(spec, 'uts');
          without(spec, 'ipc');
          spec.hostname = '';
          spec.linux.namespaces?.push({ type: 'ipc', path });
        },
        rewrite: (program) =>
          guard === 'off'
            ? rewriteLines(program, ({ call: name, args }, call) => {
                if (name === 'setns') call.setns(args[0] as number, 0);
                return name === 'setns';
              })
            : program,
      });
      return printed(SECRET)(ran);
    }),
};

const noNamespace: Attack = {
  title: 'a file of the host’s where a namespace is named',
  protection: 'the path is looked at (statfs)',
  futile: 'setns itself takes nothing else',
  attempt: async (scene, guard) => {
    const ran = await scene.run({
      script: 'true',
      change: ({ linux }) => {
        if (guard === 'on') linux.namespaces?.push({ type: 'time', path: scene.secret });
      },
      rewrite: (program) =>
        guard === 'off'
          ? beforePivot(program, (call) => {
              const file = call.openat(AT_FDCWD, scene.secret, O_CLOEXEC);
              call.setns(file, CLONE_NEWUTS);
            })
          : program,
    });
    return { succeeded: ran.refused === undefined, seen: why(ran) };
  },
};

/** CVE-2019-16884: what asks the kernel is answered by the image. */
const overProc = simple({
  title: 'a volume over /proc/sys: programs are told what the image says',
  protection: 'nothing may be mounted on procfs',
  prepare: ({ directory }) => {
    mkdirSync(join(directory, 'volume/kernel'), { recursive: true });
    writeFileSync(join(directory, 'volume/kernel/hostname'), SECRET);
  },
  change: (spec, { directory }) => {
    const source = join(directory, 'volume');
    spec.mounts.push({ destination: '/proc/sys', type: 'bind', source, options: ['bind'] });
  },
  without: {
    change: ({ mounts }) => void mounts.pop(),
    // Put there by hand, as the check would not let it be.
    rewrite: (program, { directory }) =>
      overMount(program, 'proc', 'sys', join(directory, 'volume')),
  },
  script: () => 'cat /proc/sys/kernel/hostname',
  judge: printed(SECRET),
});

/** `source` on the path `inside` of the mount of `fstype`, when that is in its place. */
function overMount(program: Program, fstype: string, inside: string, source: string): Program {
  const at = program.lines.findIndex(
    (line) => line.kind === 'call' && line.call === 'openat2' && line.args[1] === fstype,
  );
  // Its place is opened there, it is moved, the place is closed.
  const attached = at + 3;
  let volume: Result | undefined;
  const opened = beforePivot(program, (call) => {
    volume = call.openTree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  });
  const more = opened.lines.length - program.lines.length;
  const { lines } = launch({}, (call) => {
    if (volume)
      call.moveMount(volume, '', AT_FDCWD, `${fstype}/${inside}`, MOVE_MOUNT_F_EMPTY_PATH);
  });
  return { ...opened, lines: opened.lines.toSpliced(attached + more, 0, ...lines) };
}

export const attacks: readonly Attack[] = [otherKind, noNamespace, overProc];
