/**
 * What if … the image has a symbolic link to a directory of the host's where something is to be
 * mounted or made? Without the protection it is made as one would with mount(2) and mknod(2): by its
 * path on the host, before the root is exchanged.
 */
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AT_FDCWD, MS_BIND, S_IFCHR } from '../../lib/kernel/constants.ts';
import { makeDevice } from '../../lib/kernel/structs.ts';
import type { Calls } from '../../lib/launch/program.ts';
import type { Mount, Spec } from '../../lib/oci/spec.ts';
import { type Attack, lastLine, printed, simple, why } from './attack.ts';
import { beforePivot } from './rewrite.ts';
import { type Scene, SECRET } from './scene.ts';

interface Target {
  what: string;
  /** A path of the image that becomes a link to the host's directory. */
  link: string;
  /** What is made there; below the host's directory. */
  made: string;
  inConfig: (spec: Required<Spec>, scene: Scene) => void;
  byPath: (call: Calls, path: string, scene: Scene) => void;
}

const leaveOut = (spec: Required<Spec>, destination: string) => {
  spec.mounts = spec.mounts.filter((mount) => mount.destination !== destination);
};

const add =
  (mount: Mount): Target['inConfig'] =>
  ({ mounts }) =>
    void mounts.push(mount);

const TARGETS: readonly Target[] = [
  {
    what: 'a bind mount',
    link: 'link',
    made: 'new',
    inConfig: add({ destination: '/link/new', type: 'bind', source: 'rootfs', options: ['bind'] }),
    byPath: (call, path, { rootfs }) => {
      call.mkdirat(AT_FDCWD, path, 0o755);
      call.mount(rootfs, path, null, MS_BIND);
    },
  },
  {
    what: 'a tmpfs',
    link: 'link',
    made: 'new',
    inConfig: add({ destination: '/link/new', type: 'tmpfs', source: 'tmpfs' }),
    byPath: (call, path) => {
      call.mkdirat(AT_FDCWD, path, 0o755);
      call.mount('tmpfs', path, 'tmpfs', 0);
    },
  },
  {
    what: '/proc',
    link: 'proc',
    made: '',
    inConfig: () => undefined,
    byPath: (call, path) => {
      call.mount('proc', path, 'proc', 0);
    },
  },
  {
    what: '/dev and its nodes',
    link: 'dev',
    made: 'null',
    inConfig: () => undefined,
    byPath: (call, path) => {
      call.mknodat(AT_FDCWD, path, S_IFCHR | 0o666, makeDevice(1, 3));
    },
  },
  {
    what: 'a device',
    link: 'link',
    made: 'zero',
    inConfig: ({ linux }) => {
      linux.devices = [{ type: 'c', path: '/link/zero', major: 1, minor: 5 }];
    },
    byPath: (call, path) => {
      call.mknodat(AT_FDCWD, path, S_IFCHR | 0o666, makeDevice(1, 5));
    },
  },
];

/** Where /proc came to be: in the mount table of the process, as the host has its paths. */
const MOUNTED_OUTSIDE = 'outside proc';

const linkAttack = ({ what, link, made, inConfig, byPath }: Target): Attack => ({
  title: `a link to the host in the image, in the place of ${what}`,
  protection: 'made from inside, after pivot_root, in openat2’s own root',
  attempt: async (scene, guard) => {
    const { rootfs, outside } = scene;
    rmSync(join(rootfs, link), { recursive: true, force: true });
    symlinkSync(outside, join(rootfs, link));
    const path = join(rootfs, link, made);
    const ran = await scene.run({
      script: 'true',
      change: (spec) => {
        if (guard === 'on') inConfig(spec, scene);
        else leaveOut(spec, `/${link}`);
      },
      rewrite: (program) =>
        guard === 'on'
          ? program
          : beforePivot(program, (call) => {
              byPath(call, path, scene);
              // A mount is seen as long as the host's part of the table is.
              if (made !== '') return;
              const seen = call.openat(AT_FDCWD, join(path, 'self/stat'), 0);
              call.write(2, Buffer.from(`${MOUNTED_OUTSIDE}\n`));
              call.close(seen);
            }),
    });
    const there =
      made === '' ? ran.stderr.includes(MOUNTED_OUTSIDE) : existsSync(join(outside, made));
    if (there) return { succeeded: true, seen: `it is at ${join('outside', made)} of the host` };
    return { succeeded: false, seen: ran.status === 0 ? 'it is in the container' : why(ran) };
  },
});

/** CVE-2019-19921: a name that leads elsewhere is covered where it leads. */
const maskedByPath = simple({
  title: 'a link in the image, in the place of a masked path',
  protection: 'made from inside, after pivot_root, in openat2’s own root',
  prepare: ({ rootfs }) => {
    mkdirSync(join(rootfs, 'real'));
    writeFileSync(join(rootfs, 'real/secret'), SECRET);
    symlinkSync('/real', join(rootfs, 'app'));
  },
  change: ({ linux }) => {
    linux.maskedPaths = ['/app/secret'];
  },
  without: {
    change: ({ linux }) => {
      linux.maskedPaths = [];
    },
    rewrite: (program, { rootfs }) =>
      beforePivot(program, (call) => {
        call.attempt.mount('/dev/null', join(rootfs, 'app/secret'), null, MS_BIND);
      }),
  },
  script: () => 'cat /real/secret',
  judge: printed(SECRET),
});

/** CVE-2025-31133 */
const ownNull = simple({
  title: 'the image’s /dev/null, with which files are masked, is a link to core_pattern',
  protection: 'masked with the host’s /dev/null',
  prepare: ({ rootfs }) => {
    symlinkSync('/proc/sys/kernel/core_pattern', join(rootfs, 'dev/null'));
  },
  change: (spec) => {
    spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    spec.linux.maskedPaths = ['/proc/keys'];
  },
  without: {
    rewrite: (program, { rootfs }) => ({
      ...program,
      lines: program.lines.map((line) => {
        if (line.kind === 'call' && line.call === 'openTree' && line.args[1] === '/dev/null') {
          (line.args as unknown[])[1] = join(rootfs, 'dev/null');
        }
        return line;
      }),
    }),
  },
  script: () => 'v=$(cat /proc/keys); [ -n "$v" ] && printf %s "$v" > /proc/keys && echo written',
  judge: (ran) =>
    ran.stdout.includes('written')
      ? { succeeded: true, seen: 'core_pattern was written, as /proc/keys' }
      : { succeeded: false, seen: lastLine(ran.stdout) || why(ran) },
});

export const attacks: readonly Attack[] = [...TARGETS.map(linkAttack), maskedByPath, ownNull];
