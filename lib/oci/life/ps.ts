/**
 * `ps`: the processes of a container, by its cgroup.
 */
import { membersOf } from '../../cgroups/members.ts';
import { planOf } from '../cgroup.ts';
import { load } from './store.ts';

/** As this process sees them, lowest first. Throws OciError. */
export function processesOf(root: string, id: string): number[] {
  const { stored } = load(root, id);
  return membersOf(planOf(stored.cgroup, id));
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
