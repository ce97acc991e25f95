/**
 * A run that kills itself: a container in its cgroups, with cgroups inside them, frozen. Arguments:
 * its name and the state directory.
 */
import { mkdirSync } from 'node:fs';
import { startContainer } from '../container/run.ts';
import { openHost } from '../host/host.ts';
import { SIGKILL } from '../kernel/constants.ts';
import { launch } from '../launch/program.ts';
import { openStreams } from '../launch/streams.ts';
import { cgroupActions } from './actions.ts';
import { enterCgroup } from './enter-cgroup.ts';
import { freezeCgroup } from './freeze.ts';
import { directoriesOf, planCgroup } from './plan.ts';
import { detectSite } from './site.ts';

const [run = '', state = ''] = process.argv.slice(2);
const plan = planCgroup(detectSite(run), run);
const program = launch({ cgroup: plan.v2 }, (call) => {
  enterCgroup(call, plan);
  // The tether ends the child that was cloned; the shell's own child outlives it.
  const script = 'sleep 1000 & exec sleep 1000';
  call.execve('/bin/sh', ['sh', '-c', script], { container: run, PATH: '/usr/bin:/bin' });
});
const runtime = { prepare: cgroupActions(plan), program, connect: () => [] };
const host = await openHost(run, state);
const streams = openStreams('null');
await streams.hand((given) => startContainer(runtime, host, { id: run, streams: given }));
for (const path of directoriesOf(plan)) mkdirSync(`${path}/inner/most`, { recursive: true });
await freezeCgroup(plan);
process.kill(process.pid, SIGKILL);
