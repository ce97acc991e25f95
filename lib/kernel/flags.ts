/**
 * Flag words and enumerations of system calls, and how to print them the way C source spells
 * them: `MS_REC|MS_PRIVATE`, `SIGKILL`, `O_RDONLY|O_CLOEXEC`.
 */
import * as c from './constants.ts';

export interface FlagSet {
  /** A set of bits that are or-ed together, or one value out of a list. */
  style: 'bits' | 'one-of';
  /** What zero is called where it has a name. */
  zero?: string;
  names: ReadonlyMap<number, string>;
}

const prefixed = (...prefixes: string[]): ReadonlyMap<number, string> =>
  new Map(
    Object.entries(c)
      .filter(([name]) => prefixes.some((prefix) => name.startsWith(prefix)))
      .filter(([, value]) => value <= 0xffffffff)
      .sort(([, a], [, b]) => a - b)
      .map(([name, value]) => [value, name]),
  );

/** Names are looked for when they are asked for: most are not, by a command that prints no call. */
function flagSet(style: FlagSet['style'], find: () => ReadonlyMap<number, string>, zero?: string) {
  let found: ReadonlyMap<number, string> | undefined;
  return {
    style,
    ...(zero === undefined ? {} : { zero }),
    get names() {
      found ??= find();
      return found;
    },
  };
}

const bits = (...prefixes: string[]): FlagSet => flagSet('bits', () => prefixed(...prefixes));
const oneOf = (...prefixes: string[]): FlagSet => flagSet('one-of', () => prefixed(...prefixes));

const signals = () => new Map([...prefixed('SIG')].filter(([, name]) => !name.startsWith('SIG_')));

// PR_CAP_AMBIENT_* are what its second argument may be, and numbers of other options.
const prctlOptions = () =>
  new Map([...prefixed('PR_SET', 'PR_CAPBSET'), [c.PR_CAP_AMBIENT, 'PR_CAP_AMBIENT'] as const]);

export const flagSets = {
  mount: bits('MS_'),
  umount: bits('MNT_', 'UMOUNT_'),
  clone: bits('CLONE_'),
  open: flagSet('bits', () => prefixed('O_'), 'O_RDONLY'),
  dup3: bits('O_CLOEXEC'),
  atFlags: bits('AT_EMPTY', 'AT_REC', 'AT_SYMLINK', 'AT_REMOVE'),
  openTree: bits('OPEN_TREE_', 'AT_REC', 'AT_EMPTY'),
  moveMount: bits('MOVE_MOUNT_'),
  mountAttr: bits('MOUNT_ATTR_'),
  closeRange: bits('CLOSE_RANGE_'),
  wait: bits('WNO', 'WEXITED'),
  fsopen: bits('FSOPEN_'),
  prot: bits('PROT_'),
  map: bits('MAP_'),
  fsconfig: oneOf('FSCONFIG_'),
  signal: flagSet('one-of', signals),
  sigHow: oneOf('SIG_'),
  prctl: flagSet('one-of', prctlOptions),
  idType: oneOf('P_PID'),
  xattr: bits('XATTR_'),
  flock: bits('LOCK_'),
  rename: bits('RENAME_'),
  ioctl: oneOf('TIOC', 'SIOC', 'FIO'),
  fcntl: oneOf('F_'),
  rlimit: oneOf('RLIMIT_'),
  keyctl: oneOf('KEYCTL_'),
  seccomp: oneOf('SECCOMP_SET_', 'SECCOMP_GET_'),
  seccompFilter: bits('SECCOMP_FILTER_FLAG_'),
  bpf: oneOf(
    'BPF_PROG_LOAD',
    'BPF_PROG_ATTACH',
    'BPF_PROG_DETACH',
    'BPF_PROG_GET_FD_BY_ID',
    'BPF_OBJ_GET_INFO_BY_FD',
    'BPF_PROG_QUERY',
  ),
} satisfies Record<string, FlagSet>;

/** `MS_REC|MS_PRIVATE` for 0x44000; bits without a name follow in hexadecimal; `0` for none. */
export function formatFlags(set: FlagSet, value: number): string {
  if (set.style === 'one-of') return set.names.get(value) ?? String(value);
  const found: string[] = [];
  let rest = value >>> 0;
  for (const [bit, name] of set.names) {
    if (bit !== 0 && (rest & bit) >>> 0 === bit >>> 0) {
      found.push(name);
      rest = (rest & ~bit) >>> 0;
    }
  }
  if (rest !== 0) found.push(`0x${rest.toString(16)}`);
  return found.length > 0 ? found.join('|') : (set.zero ?? '0');
}
