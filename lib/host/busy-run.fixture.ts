/**
 * A run that is made to be killed: a container, directories, mounts and links, done and undone
 * without end. Arguments: the run's name, and a process in whose network the links are.
 */
import { startContainer } from '../container/run.ts';
import { MS_BIND } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import type { Action, Inside } from './action.ts';
import { openHost } from './host.ts';

const [run = '', pid = ''] = process.argv.slice(2);
const inside: Inside = { pid: Number(pid), namespaces: ['network'] };

const bridge = (name: string): Action => ({
  name: `bridge ${name}`,
  does: [{ do: 'run', argv: ['ip', 'link', 'add', name, 'type', 'bridge'], inside }],
  undoes: [{ do: 'run', argv: ['ip', 'link', 'del', name], inside }],
  seen: { link: name, inside },
});

const mounted = (path: string, source: string, fstype: string | null, flags: number): Action => ({
  name: `mount on ${path}`,
  does: [
    { do: 'mkdir', path },
    { do: 'mount', source, target: path, fstype, flags },
  ],
  undoes: [
    { do: 'unmount', path },
    { do: 'remove', path },
  ],
  seen: { mountPoint: path },
});

for (let round = 0; ; round++) {
  const host = await openHost(`${run}-${round}`);
  const file = `${host.directory}/tree/file`;
  await host.do(mounted(`${host.directory}/tree`, 'tmpfs', 'tmpfs', 0));
  await host.do({
    name: 'a file',
    does: [{ do: 'write', path: file, text: 'here\n' }],
    undoes: [{ do: 'remove', path: file }],
    seen: { path: file },
  });
  await host.do(mounted(`${host.directory}/bound`, `${host.directory}/tree`, null, MS_BIND));
  await host.do(bridge('ubxa'));
  await host.do(bridge('ubxb'));
  const program = launch({ namespaces: ['mount'] }, (call) => {
    // The tether ends the child that was cloned; the shell's own child outlives it.
    const script = 'sleep 1000 & exec sleep 1000';
    call.execve('/bin/sh', ['sh', '-c', script], { container: host.run, PATH: '/usr/bin:/bin' });
  });
  const runtime = { prepare: [], program, connect: () => [] };
  await startContainer(runtime, host, { id: host.run });
  process.stdout.write('.');
  const { failed } = await host.undo();
  if (failed.length > 0) throw failed[0]?.error;
}
