/**
 * How much an overlay may be made of. mount(2) copies one page of options, and drops what does not
 * fit without a word; fsconfig(2) takes texts of up to 255 bytes; the kernel stacks 500 lowers and
 * no more; an overlay may have one overlay below it as a lower, and none as its upper.
 *
 * OVL_MAX_STACK in fs/overlayfs/params.h, copy_mount_options in fs/namespace.c, fsconfig(2)
 */
import { type OverlayLayers, type OverlayOptions, optionString } from './options.ts';
import { OverlayError } from './overlay-error.ts';

/** Bytes of options for mount(2): a page, with the NUL at its end. */
export const CLASSIC_BYTES = 4095;

/** Bytes of one value for fsconfig(2). */
export const VALUE_BYTES = 255;

/** Lower directories of one overlay, OVL_MAX_STACK. */
export const MAX_LOWERS = 500;

type Made = OverlayLayers & { options?: OverlayOptions };

/** Whether the option string holds all of it. */
export const fitsClassic = (overlay: Made): boolean =>
  Buffer.byteLength(optionString(overlay)) <= CLASSIC_BYTES;

/** Throws OverlayError that names the limit: too many lowers, or none to speak of. */
export function assertStack({ lowers, upper, work }: OverlayLayers): void {
  const count = lowers.length;
  if (count > MAX_LOWERS) {
    const what = `${count} lower directories, the kernel stacks ${MAX_LOWERS} (OVL_MAX_STACK)`;
    throw new OverlayError('overlay', `${what}; merge some of them into one`);
  }
  if ((upper === undefined) !== (work === undefined)) {
    throw new OverlayError('overlay', 'upper and work come together, or neither of them');
  }
  if (count === 0 || (upper === undefined && count === 1)) {
    const missing = count === 0 ? 'no lower directory' : 'one lower directory and no upper';
    throw new OverlayError(
      'overlay',
      `${missing}: there is nothing to merge; a bind mount will do`,
    );
  }
}

/** What the kernel takes together, and answers EINVAL to. Throws OverlayError. */
function assertOptions({ upper, options = {} }: Made): void {
  const { userxattr, metacopy, redirectDir, volatile } = options;
  const clash = (what: string) => new OverlayError('overlay', what);
  if (userxattr && metacopy)
    throw clash(
      'userxattr with metacopy: whoever owns the upper could name any file of the layers as the data of another; leave out metacopy',
    );
  if (userxattr && redirectDir !== undefined && redirectDir !== 'nofollow') {
    throw clash(
      `userxattr with redirect_dir=${redirectDir}: whoever owns the upper could redirect to any directory of the layers; set redirect_dir=nofollow`,
    );
  }
  if (metacopy && redirectDir !== undefined && redirectDir !== 'on')
    throw clash(
      `metacopy with redirect_dir=${redirectDir}: a renamed copy could not say where its data is; set redirect_dir=on`,
    );
  if (volatile && upper === undefined) throw clash('volatile without an upper: nothing is written');
}

/** For the option string. Throws OverlayError with its length. */
export function assertClassic(overlay: Made): void {
  assertStack(overlay);
  assertOptions(overlay);
  const bytes = Buffer.byteLength(optionString(overlay));
  if (bytes <= CLASSIC_BYTES) return;
  throw new OverlayError(
    'overlay',
    `${bytes} bytes of options for ${overlay.lowers.length} lower directories, mount(2) reads ${CLASSIC_BYTES} and drops the rest; use shorter paths, or fsopen(2) with lowerdir+ (Linux 6.8)`,
  );
}

/** For fsconfig(2). Throws OverlayError with the path that is too long. */
export function assertNew(overlay: Made): void {
  assertStack(overlay);
  assertOptions(overlay);
  const { lowers, upper, work } = overlay;
  for (const path of [...lowers, upper ?? '', work ?? '']) {
    const bytes = Buffer.byteLength(path);
    if (bytes <= VALUE_BYTES) continue;
    throw new OverlayError(
      path,
      `${bytes} bytes, fsconfig(2) takes ${VALUE_BYTES}; give a symbolic link with a shorter name`,
    );
  }
}
