import { expect, it } from 'vitest';
import { SIG_SETMASK } from '../kernel/constants.ts';
import { capture } from '../launch/capture.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { openBox, planFor } from './container.fixture.ts';
import { joinCgroup } from './join-cgroup.ts';

itNeeds(
  ['root', 'v1:cpu', 'v1:pids'],
  'who joins is in each hierarchy where the other process is, and in no other place',
  async () => {
    await using box = await openBox(planFor(1, ['cpu', 'pids']));
    const { pid } = await box.start('exec sleep 1000');
    const program = launch({}, (call) => {
      joinCgroup(call, pid);
      call.rtSigprocmask(SIG_SETMASK, []);
      call.execve('/bin/cat', ['cat', '/proc/self/cgroup'], { container: box.plan.id });
    });
    const { stdout } = await capture(program);
    const inside = stdout.split('\n').filter((line) => line.endsWith(`/${box.plan.id}`));
    // On many machines cpu and cpuacct have one hierarchy.
    const names = inside.flatMap((line) => (line.split(':')[1] ?? '').split(','));
    expect(names.filter((name) => name !== 'cpuacct').sort()).toEqual(['cpu', 'pids']);
  },
);

itNeeds(['v1:pids'], 'hierarchies without a limiting controller are left alone', () => {
  const { lines } = launch({}, (call) => joinCgroup(call, process.pid));
  const paths = lines.flatMap((line) =>
    line.kind === 'call' && line.call === 'openat' ? [String(line.args[1])] : [],
  );
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => /systemd|unified|net_/.test(path))).toEqual([]);
});

it('nobody is joined who has gone', () => {
  expect(() => launch({}, (call) => joinCgroup(call, 2 ** 30))).toThrow('/proc/1073741824/cgroup');
});
