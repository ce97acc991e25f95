/**
 * The options of one mount, sorted by who takes them: attributes of the mount itself, its
 * propagation, what the runtime does for it, and what is left, which is for the file system.
 *
 * OCI runtime-spec, config.md "Linux mount options"; mount(8), mount_setattr(2)
 */
import {
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_PRIVATE,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from '../kernel/constants.ts';
import { OciError } from './oci-error.ts';

/** Bits to set and to clear, as mount_setattr(2) takes them. */
export interface Attributes {
  set: number;
  clear: number;
}

export interface MountOptions {
  /** Of the mount, and of all mounts below it. */
  here: Attributes;
  recursive: Attributes;
  /** In their order. */
  propagation: readonly { type: number; recursive: boolean }[];
  bind: boolean;
  /** Binds take along the mounts below their source. */
  rbind: boolean;
  /** A tmpfs begins with a copy of what it covers. */
  tmpcopyup: boolean;
  idmap: 'idmap' | 'ridmap' | null;
  /** For the file system: a value, or null for a flag. */
  data: readonly (readonly [key: string, value: string | null])[];
}

const on = (bit: number): Attributes => ({ set: bit, clear: 0 });
const off = (bit: number): Attributes => ({ set: 0, clear: bit });
/** Times of access are one value of several bits: the others go. */
const atime = (value: number): Attributes => ({ set: value, clear: MOUNT_ATTR__ATIME });

const ATTRIBUTES: Readonly<Record<string, Attributes>> = {
  ro: on(MOUNT_ATTR_RDONLY),
  rw: off(MOUNT_ATTR_RDONLY),
  nosuid: on(MOUNT_ATTR_NOSUID),
  suid: off(MOUNT_ATTR_NOSUID),
  nodev: on(MOUNT_ATTR_NODEV),
  dev: off(MOUNT_ATTR_NODEV),
  noexec: on(MOUNT_ATTR_NOEXEC),
  exec: off(MOUNT_ATTR_NOEXEC),
  nodiratime: on(MOUNT_ATTR_NODIRATIME),
  diratime: off(MOUNT_ATTR_NODIRATIME),
  nosymfollow: on(MOUNT_ATTR_NOSYMFOLLOW),
  symfollow: off(MOUNT_ATTR_NOSYMFOLLOW),
  relatime: atime(MOUNT_ATTR_RELATIME),
  norelatime: atime(MOUNT_ATTR_STRICTATIME),
  noatime: atime(MOUNT_ATTR_NOATIME),
  atime: atime(MOUNT_ATTR_RELATIME),
  strictatime: atime(MOUNT_ATTR_STRICTATIME),
  nostrictatime: atime(MOUNT_ATTR_RELATIME),
};

const PROPAGATION: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  shared: MS_SHARED,
  slave: MS_SLAVE,
  unbindable: MS_UNBINDABLE,
};

/** Flags of the file system that mount(8) has words for and fsconfig(2) takes as they are. */
const NO_MEANING = new Set(['defaults', 'remount']);

const both = (a: Attributes, b: Attributes): Attributes => ({
  // The later word is the one that counts.
  set: (a.set & ~b.clear) | b.set,
  clear: (a.clear & ~b.set) | b.clear,
});

/** One word of rootfsPropagation or of a mount's options; null when it is none. */
export function propagationOf(word: string): { type: number; recursive: boolean } | null {
  const plain = PROPAGATION[word];
  if (plain !== undefined) return { type: plain, recursive: false };
  const recursive = word.startsWith('r') ? PROPAGATION[word.slice(1)] : undefined;
  return recursive === undefined ? null : { type: recursive, recursive: true };
}

/** Every word that is not the file system's. */
export const mountWords = (): string[] => [
  ...[ATTRIBUTES, PROPAGATION].flatMap(Object.keys).flatMap((word) => [word, `r${word}`]),
  ...['bind', 'rbind', 'tmpcopyup', 'idmap', 'ridmap'],
  ...NO_MEANING,
];

export function parseMountOptions(words: readonly string[] = [], type = ''): MountOptions {
  const options = {
    here: { set: 0, clear: 0 } as Attributes,
    recursive: { set: 0, clear: 0 } as Attributes,
    propagation: [] as { type: number; recursive: boolean }[],
    bind: type === 'bind',
    rbind: false,
    tmpcopyup: false,
    idmap: null as MountOptions['idmap'],
    data: [] as (readonly [string, string | null])[],
  };
  for (const word of words) {
    const propagation = propagationOf(word);
    const here = ATTRIBUTES[word];
    const below = word.startsWith('r') ? ATTRIBUTES[word.slice(1)] : undefined;
    if (propagation) options.propagation.push(propagation);
    else if (here) options.here = both(options.here, here);
    else if (below) options.recursive = both(options.recursive, below);
    else if (word === 'bind') options.bind = true;
    else if (word === 'rbind') options.bind = options.rbind = true;
    else if (word === 'tmpcopyup') options.tmpcopyup = true;
    else if (word === 'idmap' || word === 'ridmap') options.idmap = word;
    else if (word === 'src-nofollow' || word === 'dest-nofollow') throw refused(word);
    else if (!NO_MEANING.has(word)) options.data.push(entryOf(word));
  }
  return options;
}

/** Not of the specification; who asks for it relies on it. */
const refused = (word: string) =>
  new OciError(`mounts: option ${word} is not carried out here; name a path that is no link`);

function entryOf(word: string): readonly [string, string | null] {
  const at = word.indexOf('=');
  return at < 0 ? [word, null] : [word.slice(0, at), word.slice(at + 1)];
}
