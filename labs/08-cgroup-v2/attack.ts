/**
 * What if … a program takes the memory that its neighbour needs; … or all the processes there may
 * be; … or reaches for its neighbour's cgroup? All of it in a place that is small enough to fill.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readKeyed } from '../../lib/cgroups/cgroup-file.ts';
import type { Limits } from '../../lib/cgroups/limits.ts';
import type { Attack } from '../../lib/lab/lab.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';
import { readMembership, V2 } from '../../lib/observe/membership.ts';
import { forks, MB } from '../07-cgroup-v1/attack.ts';
import {
  confine,
  hold,
  mountTree,
  openPlace,
  type Place,
  smallMachine,
  untilHeld,
  untilRefused,
} from './place.ts';

/** What the one that attacks may use, where the runtime listens. */
const MODEST: Limits = { memory: { max: 32 * MB }, pids: { max: 20 } };

/** A container in the place, and the directory of its cgroup there. */
async function startIn(place: Place, subject: Subject, limits?: Limits) {
  const box = await subject.start({ cgroups: place.site, ...(limits && { limits }) });
  return { box, directory: confine(place, box), [Symbol.asyncDispose]: () => box.end() };
}

/** Six processes, none of them as large as the neighbour's one. */
export async function takeMemory(place: Place, hog: Running, neighbour: Running): Promise<void> {
  await neighbour.type(hold(40));
  await untilHeld(place, hog, neighbour);
  for (let count = 0; count < 6; count++) await hog.type(hold(12));
  await untilHeld(place, hog, neighbour);
}

const memoryHog: Attack = {
  name: 'memory-hog',
  title: 'take so much memory that a program of the neighbour is killed',
  stoppedBy: '08',
  run: async (subject) => {
    await using place = await openPlace(smallMachine());
    await using neighbour = await startIn(place, subject);
    await using hog = await startIn(place, subject, MODEST);
    await takeMemory(place, hog.box, neighbour.box);
    const killed = (directory: string) => readKeyed(directory, 'memory.events').oom_kill ?? 0;
    const [theirs, own] = [killed(neighbour.directory), killed(hog.directory)];
    return {
      succeeded: theirs > 0,
      seen: `killed: ${theirs} of the neighbour, ${own} of its own`,
      where: `${join(neighbour.directory, 'memory.events')}, oom_kill`,
    };
  },
};

/** In the background for good: a shell that has been refused ends, and the next takes its room. */
const CROWD = `while :; do ${forks(100)}; done <&0 &`;

const forkBomb: Attack = {
  name: 'fork-bomb',
  title: 'start so many processes that the neighbour can start none',
  stoppedBy: '08',
  run: async (subject) => {
    await using place = await openPlace(smallMachine());
    await using neighbour = await startIn(place, subject);
    await using bomb = await startIn(place, subject, MODEST);
    await bomb.box.type(CROWD);
    await untilRefused([bomb.directory, place.directory]);
    const seen = await neighbour.box.type('hostname');
    return {
      // A shell that is refused tries again, and may find room when one of the crowd gives up.
      succeeded: seen !== 'box',
      seen: seen || 'nothing',
      where: 'hostname, typed in the neighbour',
    };
  },
};

const reachNeighbour: Attack = {
  name: 'reach-neighbour',
  title: 'mount the cgroup tree, and stop the neighbour through it',
  stoppedBy: '08',
  run: async (subject) => {
    await using place = await openPlace(smallMachine());
    await using neighbour = await startIn(place, subject);
    await using box = await startIn(place, subject, MODEST);
    const path = readMembership(neighbour.box.pid)[V2];
    const said = await box.box.type(
      `${mountTree('/tmp/cg')}; echo 1 > /tmp/cg${path}/cgroup.freeze`,
    );
    const file = join(neighbour.directory, 'cgroup.freeze');
    const frozen = readFileSync(file, 'utf8').trim();
    return {
      succeeded: frozen === '1',
      seen: [`cgroup.freeze is ${frozen}`, said].filter(Boolean).join('; '),
      where: file,
    };
  },
};

export const attacks: readonly Attack[] = [memoryHog, forkBomb, reachNeighbour];
