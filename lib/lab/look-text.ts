/**
 * A look at a container in words, differences first: what is as it is here takes one line.
 */
import type { Look } from './look.ts';

const MOST_CHANGES = 8;

/** One line for each thing seen, without newlines. */
export function formatLook(look: Look): string[] {
  const { namespaces, mounts, descriptors } = look;
  const own = namespaces.filter(({ differs }) => differs);
  const shared = namespaces.filter(({ differs, link }) => !differs && link !== null);
  const hidden = namespaces.filter(({ link }) => link === null);
  const kinds = (list: typeof namespaces) => list.map(({ kind }) => kind).join(' ') || 'none';
  return [
    `process      ${look.pid}`,
    ...own.map(({ link }) => `its own      ${link}`),
    `as here      ${kinds(shared)}`,
    ...(hidden.length > 0 ? [`not shown    ${kinds(hidden)}`] : []),
    `root         ${look.root}`,
    `directory    ${look.cwd}`,
    `mounts       ${mounts.count}`,
    ...atMost(mounts.added, ({ mountPoint, fstype, source }) => {
      return `  + ${mountPoint}  ${fstype} from ${source || '(nothing)'}`;
    }),
    ...atMost(mounts.removed, ({ mountPoint, fstype }) => `  - ${mountPoint}  ${fstype}`),
    ...atMost(mounts.changed, ({ mountPoint, ours, theirs }) => {
      return `  ~ ${mountPoint}  ${ours} → ${theirs}`;
    }),
    `CapEff       0x${look.capEff.toString(16).padStart(16, '0')}`,
    `descriptors  ${descriptors.length}`,
    ...atMost(descriptors, ({ fd, target }) => `  ${fd} → ${target}`),
  ];
}

function atMost<T>(list: readonly T[], print: (item: T) => string): string[] {
  const rest = list.length - MOST_CHANGES;
  const shown = list.slice(0, MOST_CHANGES).map(print);
  return rest > 0 ? [...shown, `  … ${rest} more`] : shown;
}
