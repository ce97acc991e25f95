/**
 * `ps`: the processes of a container, by its cgroup.
 */
import { membersOf } from '../../cgroups/members.ts';
import { namespaceInode } from '../../observe/namespaces.ts';
import { orNull } from '../../observe/proc-file.ts';
import { isSame, listPids } from '../../observe/process.ts';
import { directoriesOf, planOf } from '../cgroup.ts';
import { OciError } from '../oci-error.ts';
import { load } from './store.ts';

/** As this process sees them, lowest first. Throws OciError. */
export function processesOf(root: string, id: string): number[] {
  const { stored } = load(root, id);
  const { cgroup, init } = stored;
  if (directoriesOf(cgroup).length > 0) return membersOf(planOf(cgroup, id));
  return init && isSame(init) ? withNamespaceOf(init.pid) : [];
}

/** Where it has no cgroup of its own, as without root: by its pid namespace. Throws OciError. */
function withNamespaceOf(pid: number): number[] {
  const namespaceOf = (one: number) => orNull(() => namespaceInode(one, 'pid'));
  const its = namespaceOf(pid);
  if (its === namespaceOf(process.pid)) {
    throw new OciError(
      'it has neither a cgroup nor a pid namespace of its own: its processes are not told from others',
    );
  }
  return listPids().filter((one) => namespaceOf(one) === its);
}

/** What ps(1) says with `options`, its head and the container's lines. Throws Error without ps(1). */
export async function tabulate(pids: readonly number[], options: readonly string[]) {
  const { execa } = await import('execa'); // Not before it is needed: most commands need none.
  const { stdout } = await execa('ps', options.length > 0 ? options : ['-ef']);
  const [head = '', ...lines] = stdout.split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  const ours = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return [head, ...ours].join('\n');
}
