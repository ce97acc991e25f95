/**
 * Mounting an overlay, as an action of the host or as lines of a launch program. Up to a page of
 * options it is one mount(2), which every kernel has and everybody can read; deeper stacks take
 * fsopen(2) and one `lowerdir+` for each layer.
 *
 *   host:      does mount -t overlay …, undoes umount
 *   container: call.mount('overlay', target, 'overlay', flags, 'lowerdir=…')
 *
 * overlayfs.rst, mount(2), fsopen(2)
 */
import type { Action, Effect } from '../host/action.ts';
import {
  AT_FDCWD,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
} from '../kernel/constants.ts';
import type { Calls } from '../launch/program.ts';
import { assertClassic, assertNew, fitsClassic } from './limits.ts';
import { fsconfigPair, type Overlay, optionPairs, optionString } from './options.ts';
import { OverlayError } from './overlay-error.ts';

export interface MountStyle {
  /** MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC. */
  flags?: number;
  /** Default: mount(2) where its page of options is enough. */
  api?: 'classic' | 'new';
}

/**
 * The host's action: upper and work are not made by it, and stay when it is undone. Its target is an
 * existing directory, absolute and without links. Throws OverlayError for what passes a limit; look
 * with `assertMountable` (obstacle.ts) at what is on the disk.
 */
export function overlayAction(overlay: Overlay, style: MountStyle = {}): Action {
  const { target } = overlay;
  return {
    name: `overlay ${target}`,
    does: [mountEffect(overlay, style)],
    undoes: [{ do: 'unmount', path: target }],
    seen: { mountPoint: target },
  };
}

function mountEffect(overlay: Overlay, { flags = 0, api }: MountStyle): Effect {
  const { target } = overlay;
  if (chooseApi(overlay, api) === 'new') {
    const options = optionPairs(overlay).map(fsconfigPair);
    return { do: 'fsmount', fstype: 'overlay', target, options, attributes: attributesOf(flags) };
  }
  const data = optionString(overlay);
  return { do: 'mount', source: 'overlay', target, fstype: 'overlay', flags, data };
}

/** The same as lines of a launch program. Throws OverlayError for what passes a limit. */
export function mountOverlay(call: Calls, overlay: Overlay, style: MountStyle = {}): void {
  const { flags = 0, api } = style;
  if (chooseApi(overlay, api) === 'classic') {
    call.mount('overlay', overlay.target, 'overlay', flags, optionString(overlay));
    return;
  }
  const context = call.fsopen('overlay', FSOPEN_CLOEXEC);
  for (const [key, value] of optionPairs(overlay).map(fsconfigPair)) {
    const command = value === null ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
    call.fsconfig(context, command, key, value, 0);
  }
  call.fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0);
  const mount = call.fsmount(context, FSMOUNT_CLOEXEC, attributesOf(flags));
  call.moveMount(mount, '', AT_FDCWD, overlay.target, MOVE_MOUNT_F_EMPTY_PATH);
  call.close(mount);
  call.close(context);
}

function chooseApi(overlay: Overlay, asked: MountStyle['api']): 'classic' | 'new' {
  const api = asked ?? (fitsClassic(overlay) ? 'classic' : 'new');
  if (api === 'new') assertNew(overlay);
  else assertClassic(overlay);
  return api;
}

const ATTRIBUTES = new Map([
  [MS_RDONLY, MOUNT_ATTR_RDONLY],
  [MS_NOSUID, MOUNT_ATTR_NOSUID],
  [MS_NODEV, MOUNT_ATTR_NODEV],
  [MS_NOEXEC, MOUNT_ATTR_NOEXEC],
]);

/** Throws OverlayError for a flag that is none of a single mount. */
function attributesOf(flags: number): number {
  let [rest, attributes] = [flags, 0];
  for (const [flag, attribute] of ATTRIBUTES) {
    if (!(rest & flag)) continue;
    rest &= ~flag;
    attributes |= attribute;
  }
  if (rest === 0) return attributes;
  throw new OverlayError('overlay', `mount flags 0x${rest.toString(16)} have no MOUNT_ATTR_*`);
}
