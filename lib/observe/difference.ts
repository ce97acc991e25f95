/**
 * The comparison of two pictures of the host. Lines are compared as multisets: a second mount of
 * the same thing on the same place is a difference although its line was there before.
 *
 * Left out: the process that took a picture and its ancestors, which are there because somebody
 * looks; the processes that the caller names, with the namespaces that only they are in. Children
 * of the picture taker are *not* left out by themselves: a container that it forgot is one.
 */
import type { Picture, PicturedProcess } from './picture.ts';

export interface Difference {
  kind:
    | 'mount'
    | 'namespace'
    | 'cgroup'
    | 'link'
    | 'route'
    | 'rule'
    | 'setting'
    | 'file'
    | 'process'
    | 'unseen';
  what: string;
  change: 'appeared' | 'vanished';
  /** Of a process, or of one that is in the namespace. */
  pid?: number;
}

export interface Ignore {
  /** Processes of the caller's own, or of somebody else on a shared machine. */
  ignorePids?: Iterable<number>;
  /** Paths that are left out with everything below them. */
  ignorePaths?: string[];
}

/** What is there after and was not before, and the other way round. Empty when nothing changed. */
export function comparePictures(
  before: Picture,
  after: Picture,
  ignore: Ignore = {},
): Difference[] {
  const takers = new Set([...before.takers, ...after.takers]);
  const pids = new Set(ignore.ignorePids);
  const counted = (process: PicturedProcess) =>
    !pids.has(process.pid) && !takers.has(keyOf(process));
  const processes = (picture: Picture) => picture.processes.filter(counted);
  const files = (picture: Picture) =>
    picture.files.filter((path) => !(ignore.ignorePaths ?? []).some(isAtOrAbove(path)));

  return [
    ...compareLines('mount', before.mounts, after.mounts),
    ...compareNamespaces(before, after, processes),
    ...compareLines('cgroup', before.cgroups, after.cgroups),
    ...compareLines('link', before.links, after.links),
    ...compareLines('route', before.routes, after.routes),
    ...compareLines('rule', before.rules, after.rules),
    ...compareLines('setting', before.settings, after.settings),
    ...compareLines('file', files(before), files(after)),
    ...compareProcesses(processes(before), processes(after)),
    ...compareLines('unseen', before.unseen, after.unseen),
  ];
}

/** One line for a reader: `mount appeared: /mnt tmpfs …`. */
export function describeDifference({ kind, what, change }: Difference): string {
  return `${kind} ${change}: ${what}`;
}

function compareLines(kind: Difference['kind'], before: string[], after: string[]): Difference[] {
  const surplus = new Map<string, number>();
  for (const line of after) surplus.set(line, (surplus.get(line) ?? 0) + 1);
  for (const line of before) surplus.set(line, (surplus.get(line) ?? 0) - 1);
  return [...surplus].flatMap(([what, count]) => {
    const change = count > 0 ? ('appeared' as const) : ('vanished' as const);
    return Array.from({ length: Math.abs(count) }, () => ({ kind, what, change }));
  });
}

/**
 * A namespace has appeared when a counted process is in it and nobody at all was before: not even
 * an ignored one, or ignoring a process would turn its old namespaces into new ones.
 */
function compareNamespaces(
  before: Picture,
  after: Picture,
  counted: (picture: Picture) => PicturedProcess[],
): Difference[] {
  const missing = (from: Picture, to: Picture, change: Difference['change']) => {
    const known = new Set(to.processes.flatMap(({ namespaces }) => namespaces));
    const found = new Map<string, number>();
    for (const { pid, namespaces } of counted(from)) {
      for (const link of namespaces) if (!known.has(link) && !found.has(link)) found.set(link, pid);
    }
    return [...found].map(([what, pid]) => ({ kind: 'namespace' as const, what, change, pid }));
  };
  return [...missing(after, before, 'appeared'), ...missing(before, after, 'vanished')];
}

function compareProcesses(before: PicturedProcess[], after: PicturedProcess[]): Difference[] {
  const missing = (
    from: PicturedProcess[],
    to: PicturedProcess[],
    change: Difference['change'],
  ): Difference[] => {
    const known = new Set(to.map(keyOf));
    return from
      .filter((process) => !known.has(keyOf(process)))
      .map(({ pid, command }) => ({
        kind: 'process',
        what: `${pid} ${command.slice(0, 100)}`,
        change,
        pid,
      }));
  };
  // A zombie that is gone had ended before; its parent has asked at last.
  const running = before.filter(({ zombie }) => !zombie);
  return [...missing(after, before, 'appeared'), ...missing(running, after, 'vanished')];
}

function keyOf({ pid, startTime }: PicturedProcess): string {
  return `${pid}@${startTime}`;
}

function isAtOrAbove(path: string): (ignored: string) => boolean {
  return (ignored) => path === ignored || path.startsWith(`${ignored}/`);
}
