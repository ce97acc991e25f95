/**
 * The directories of the steps that mount an overlay by hand: laid out anew for each, beside
 * `rootfs`, and seen from the host's side, which needs no mount for it.
 *
 *     lower/   a  c  dir/old
 *     upper/   a  b
 *     work/    merged/
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StepContext } from '../../lib/lab/lab.ts';
import { LaunchError } from '../../lib/launch/launch-error.ts';
import { toAufs, toOverlay } from '../../lib/overlay/aufs.ts';
import { changes } from '../../lib/overlay/changes.ts';
import type { Overlay } from '../../lib/overlay/options.ts';
import { usableForm } from '../../lib/overlay/plan.ts';
import { provenance, type Row } from '../../lib/overlay/provenance.ts';
import { drawProvenance } from '../../lib/overlay/provenance-text.ts';
import { readOverlayXattr } from '../../lib/overlay/whiteout.ts';

const FORM = usableForm();

/** `userxattr,` where this process is root in a user namespace only. */
export const USERXATTR = FORM === 'user' ? 'userxattr,' : '';

const DIRECTORIES = ['lower/dir', 'upper', 'work', 'merged'];
const FILES = {
  'lower/a': 'lower',
  'lower/c': 'lower',
  'lower/dir/old': 'lower',
  'upper/a': 'upper',
  'upper/b': 'upper',
};

export type Place = (name: string) => string;

/** Removes what an earlier step has left; returns where a name in the run's directory is. */
export function layOut({ subject }: StepContext): Place {
  const at: Place = (name) => `${dirname(subject.rootfs)}/${name}`;
  for (const name of ['lower', ...DIRECTORIES]) rmSync(at(name), { recursive: true, force: true });
  for (const name of DIRECTORIES) mkdirSync(at(name), { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(at(name), `${text}\n`);
  return at;
}

/** Mounts them; `umount` comes with the end of the block. */
export async function mount({ host }: StepContext): Promise<AsyncDisposable> {
  await host`mount -t overlay overlay -o ${USERXATTR}lowerdir=lower,upperdir=upper,workdir=work merged`;
  return { [Symbol.asyncDispose]: async () => void (await host`umount merged`) };
}

const layers = (at: Place) => ({ directories: [at('upper'), at('lower')], form: FORM });

/** Which layer each name comes from; `>` stands before what was otherwise in `before`. */
export function draw({ show }: StepContext, at: Place, before?: readonly Row[]): Row[] {
  const rows = provenance(layers(at));
  show(drawProvenance(rows, { titles: ['upper', 'lower'], ...(before && { before }) }));
  return rows;
}

/** The overlay that has layers 1 to `count`, the last on top, under names as long as digests are. */
export function layOutStack({ subject }: StepContext, count: number): Overlay {
  const at: Place = (name) => `${dirname(subject.rootfs)}/${name}`;
  for (const name of ['stack', 'merged']) rmSync(at(name), { recursive: true, force: true });
  const numbers = Array.from({ length: count }, (_, i) => count - i);
  const lowers = numbers.map((number) => at(`stack/${`layer-${number}-`.padEnd(64, 'x')}`));
  for (const [i, lower] of lowers.entries()) {
    mkdirSync(lower, { recursive: true });
    for (const name of ['which', `of-${numbers[i]}`])
      writeFileSync(`${lower}/${name}`, `layer ${numbers[i]}\n`);
  }
  mkdirSync(at('merged'));
  return { lowers, target: at('merged') };
}

/** The kernel's marks in the upper directory become names, as a layer tar has them. */
export const toNames = (at: Place): void => toAufs(at('upper'), FORM);

/** And back, as when a layer tar is unpacked. */
export const toMarks = (at: Place): void => toOverlay(at('upper'), FORM);

/** Shows what a launch was refused with, if it was. */
export async function showRefusal({ show }: StepContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    show(error.message);
  }
}

/** A for added, C for changed, D for deleted. */
export function tell({ show }: StepContext, upper: string, lowers: readonly string[]): void {
  for (const { kind, path } of changes(upper, lowers, { form: FORM })) show(`${kind} ${path}`);
}

/** An attribute that the kernel has set, as getfattr(1) would print it. */
export function showMark({ show }: StepContext, path: string, name: string, mark: string): void {
  const value = readOverlayXattr(path, mark, FORM);
  show(
    `${name}: ${FORM}.overlay.${mark}=${value === null ? '' : JSON.stringify(value.toString())}`,
  );
}
