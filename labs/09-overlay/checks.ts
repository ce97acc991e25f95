/**
 * Evidence for lab 09: the root is an overlay on the directory that all share; what a container
 * writes, removes and makes anew is found in its own layer, in the kernel's own marks, and nowhere
 * else: not below, and not in a container beside it.
 * proc_pid_mountinfo(5), the kernel's Documentation/filesystems/overlayfs.rst
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { compare, type Finding, judge } from '../../lib/lab/finding.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { mountAt, readMountinfo } from '../../lib/observe/mountinfo.ts';
import { changes } from '../../lib/overlay/changes.ts';
import { type MountedOverlay, overlayAt } from '../../lib/overlay/mounted.ts';
import { readOverlayXattr } from '../../lib/overlay/whiteout.ts';

/** In the shared directory while the checks run. */
const SHARED = '/srv/shared';

export async function* checks(subject: Subject): AsyncGenerator<Finding> {
  const shared = `${subject.rootfs}${SHARED}`;
  mkdirSync(`${shared}/dir`, { recursive: true });
  for (const name of ['written', 'removed', 'dir/old'])
    writeFileSync(`${shared}/${name}`, 'shared\n');
  try {
    yield* checkLayers(subject);
  } finally {
    rmSync(dirname(shared), { recursive: true });
  }
}

async function* checkLayers(subject: Subject): AsyncGenerator<Finding> {
  await using box = await subject.start();
  const overlay = overlayAt('/', box.pid);
  yield rootIsOverlay(box, subject, overlay);
  if (!overlay?.upper || !overlay.work) return;
  const { upper } = overlay;
  await using beside = await subject.start();
  yield ownLayer(box, beside, overlay);
  const before = fingerprint(subject.rootfs);
  await box.type(`cat ${SHARED}/written`);
  yield nothingYet(upper, overlay);
  await box.type(`cd ${SHARED}; echo mine > written; echo new > added; rm removed`);
  await box.type('rm -r dir; mkdir dir; cd /');
  yield copiedUp(upper);
  yield whiteout(upper);
  yield opaque(upper);
  yield listed(overlay, upper);
  yield unchangedBelow(subject, before);
  yield unseenBeside(beside);
}

function rootIsOverlay({ pid }: Running, { rootfs }: Subject, overlay: MountedOverlay | null) {
  const mount = mountAt(readMountinfo(pid), '/');
  const seen = overlay
    ? `overlay, lowest layer ${overlay.lowers.at(-1)}, ${overlay.upper ? 'an upper' : 'no upper'}`
    : `${mount?.fstype ?? 'no mount'}`;
  return compare('the mount on / is an overlay on the directory that all share', {
    expected: `overlay, lowest layer ${realpathSync(rootfs)}, an upper`,
    seen,
    where: `/proc/${pid}/mountinfo`,
    hint: overlay
      ? 'lowerdir is the shared directory, upperdir and workdir are two of the container’s own'
      : 'a bind mount shows the shared directory itself: mount an overlay in its place',
  });
}

function ownLayer(box: Running, beside: Running, { upper, work }: MountedOverlay): Finding {
  const other = overlayAt('/', beside.pid);
  const own = [upper, work];
  const common = [other?.upper, other?.work].filter((path) => own.includes(path ?? null));
  return compare('its upper and work directory are no other container’s', {
    expected: 'none in common',
    seen: common.length === 0 ? 'none in common' : `in common: ${common.join(' ')}`,
    where: `/proc/${box.pid}/mountinfo and /proc/${beside.pid}/mountinfo`,
    hint: 'two overlays on one upper write into each other; layers of a container are named after it',
  });
}

function nothingYet(upper: string, { lowers }: MountedOverlay): Finding {
  const list = changes(upper, lowers).filter(({ path }) => path.startsWith(SHARED));
  return compare('reading copies nothing', {
    expected: 'no change',
    seen: list.map(({ kind, path }) => `${kind} ${path}`).join(' ') || 'no change',
    where: `${upper}${SHARED}, after cat in the container`,
    hint: 'the layer was not empty when the container was started',
  });
}

function copiedUp(upper: string): Finding {
  const read = (name: string) => {
    const path = `${upper}${SHARED}/${name}`;
    return lstatSync(path, { throwIfNoEntry: false })?.isFile()
      ? readFileSync(path, 'utf8').trim()
      : 'no file';
  };
  return compare('what it writes is in its upper directory', {
    expected: 'written: mine, added: new',
    seen: `written: ${read('written')}, added: ${read('added')}`,
    where: `${upper}${SHARED}`,
    hint: 'a file of a lower layer is copied up when it is opened for writing',
  });
}

function whiteout(upper: string): Finding {
  const path = `${upper}${SHARED}/removed`;
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const kind = stats?.isCharacterDevice() ? 'character device' : 'no device';
  const number = stats ? `${stats.rdev >> 8},${stats.rdev & 0xff}` : '';
  return compare('what it removes has a whiteout there', {
    expected: 'character device 0,0',
    seen: stats ? `${kind} ${number}` : 'nothing',
    where: `stat ${path}`,
    hint: 'without a mark in the upper directory the file of the lower one would be seen again',
  });
}

function opaque(upper: string): Finding {
  const path = `${upper}${SHARED}/dir`;
  return compare('a directory that it has removed and made again is opaque', {
    expected: 'overlay.opaque=y',
    seen: `overlay.opaque=${readOverlayXattr(path, 'opaque') ?? 'absent'}`,
    where: `getfattr -m overlay ${path}`,
    hint: 'in a user namespace the mark can only be written with the option userxattr',
  });
}

function listed({ lowers }: MountedOverlay, upper: string): Finding {
  const list = changes(upper, lowers).filter(({ path }) => path.startsWith(`${SHARED}/`));
  const text = (entries: readonly { kind: string; path: string }[]) =>
    entries.map(({ kind, path }) => `${kind} ${path.slice(SHARED.length + 1)}`).join(', ');
  return compare('its upper directory tells all of it, and nothing else', {
    expected: 'A added, C dir, D dir/old, D removed, C written',
    seen: text(list),
    where: `${upper}${SHARED} against ${lowers.join(':')}${SHARED}`,
    hint: 'the layer was not empty, or is not where the container writes',
  });
}

/** Names, modes, sizes and times of every file. */
function fingerprint(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return new Map(
    entries.map((name) => {
      const { mode, size, mtimeMs, ino } = lstatSync(`${directory}/${name}`);
      return [name, [mode, size, mtimeMs, ino].join()];
    }),
  );
}

function unchangedBelow({ rootfs }: Subject, before: Map<string, string>): Finding {
  const after = fingerprint(rootfs);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const changed = names.filter((name) => before.get(name) !== after.get(name));
  return judge('no file of the shared directory has changed', changed.length === 0, {
    expected: `${before.size} names as before`,
    seen:
      changed.length === 0
        ? `${after.size} names as before`
        : `changed: ${changed.slice(0, 3).join(' ')}`,
    where: `find ${rootfs}`,
    hint: 'the container still writes into the directory itself',
  });
}

function unseenBeside({ pid }: Running): Finding {
  const place = `/proc/${pid}/root${SHARED}`;
  return compare('the container beside it sees everything as it was', {
    expected: 'dir removed written, shared, old',
    seen: `${readdirSync(place).sort().join(' ')}, ${readFileSync(`${place}/written`, 'utf8').trim()}, ${readdirSync(`${place}/dir`).join(' ')}`,
    where: place,
    hint: 'both have the same upper directory, or none',
  });
}
