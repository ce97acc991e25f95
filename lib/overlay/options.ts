/**
 * What an overlay is made of, and the two spellings in which the kernel takes it: the classic option
 * string of mount(2), one text for everything, and the pairs of fsconfig(2), one call for each.
 *
 * - `optionPairs`: key and value, in order; what both spellings are made from.
 * - `optionString`: `lowerdir=/c:/b:/a,upperdir=…,workdir=…`.
 * - `OPTION_SAYS`: what each option changes, in a sentence.
 *
 * In the string `\` comes before `:` and `,` that belong to a name, and before itself. fsconfig takes
 * `lowerdir+` as it stands and still wants `\\` for `\` in the two others.
 *
 * the kernel's Documentation/filesystems/overlayfs.rst, mount(8)
 */

export interface OverlayLayers {
  /** Absolute paths, the topmost first: of two that have a name the first one is seen. */
  lowers: readonly string[];
  /** Where changes go. Without it the overlay is read-only, and wants two lowers. */
  upper?: string;
  /** An empty directory on the upper's file system, where the kernel prepares what it puts there. */
  work?: string;
}

export interface OverlayOptions {
  /** `user.overlay.*` in place of `trusted.overlay.*`: what a user namespace may write. */
  userxattr?: boolean;
  /** Never syncs the upper: a crash of the machine leaves it unusable, and the kernel refuses it. */
  volatile?: boolean;
  /** A change of mode or owner copies no data up; root only, never on layers one does not trust. */
  metacopy?: boolean;
  /** What renaming a directory of a lower layer does: `on` records where it came from. */
  redirectDir?: 'on' | 'follow' | 'nofollow' | 'off';
  /** Keeps hard links one file when they are copied up; the upper then belongs to these lowers. */
  index?: boolean;
  /** Whether inode numbers carry the layer's number, so that they are unique and stay. */
  xino?: 'on' | 'off' | 'auto';
}

export interface Overlay extends OverlayLayers {
  target: string;
  options?: OverlayOptions;
}

export type OptionPair = readonly [key: string, value: string | null];

/** What each option changes, for explaining a mount. */
export const OPTION_SAYS = {
  lowerdir: 'read-only directories, the first one on top',
  'lowerdir+': 'one more read-only directory, below those before it',
  upperdir: 'every change goes here',
  workdir: 'the kernel prepares copies here and renames them into the upper directory',
  userxattr: 'marks are user.overlay.*, which needs no privilege outside the user namespace',
  volatile: 'nothing is synced: fast, and lost with a crash of the machine',
  metacopy: 'a new mode or owner copies the metadata up and leaves the data where it is',
  redirect_dir: 'a renamed directory says where its lower part is, instead of being EXDEV',
  index: 'hard links stay one file when one of them is copied up',
  xino: 'inode numbers are unique over all layers and do not change with a copy-up',
} as const;

/** The options in the order in which they are set; values as paths are, not escaped. */
export function optionPairs({ lowers, upper, work, options = {} }: OverlayLayers & Options) {
  const pairs: [key: string, value: string | null][] = lowers.map((lower) => ['lowerdir+', lower]);
  if (upper !== undefined) pairs.push(['upperdir', upper]);
  if (work !== undefined) pairs.push(['workdir', work]);
  if (options.userxattr) pairs.push(['userxattr', null]);
  if (options.volatile) pairs.push(['volatile', null]);
  if (options.redirectDir) pairs.push(['redirect_dir', options.redirectDir]);
  if (options.index !== undefined) pairs.push(['index', onOff(options.index)]);
  if (options.metacopy !== undefined) pairs.push(['metacopy', onOff(options.metacopy)]);
  if (options.xino) pairs.push(['xino', options.xino]);
  return pairs;
}

interface Options {
  options?: OverlayOptions;
}

const onOff = (on: boolean) => (on ? 'on' : 'off');

/** The data of mount(2). No limit is looked at: see `assertClassic` in limits.ts. */
export function optionString(overlay: OverlayLayers & Options): string {
  const lowers = overlay.lowers.map((lower) => lower.replace(/[\\:,]/g, '\\$&')).join(':');
  const rest = optionPairs(overlay).filter(([key]) => key !== 'lowerdir+');
  const words = rest.map(([key, value]) =>
    value === null ? key : `${key}=${value.replace(/[\\,]/g, '\\$&')}`,
  );
  return [`lowerdir=${lowers}`, ...words].join(',');
}

/** A pair as fsconfig(2) wants its value. */
export function fsconfigPair([key, value]: OptionPair): OptionPair {
  const unescaped = key === 'upperdir' || key === 'workdir';
  return [key, unescaped && value !== null ? value.replaceAll('\\', '\\\\') : value];
}
