/**
 * What if … a container writes into the files that it has in common with others? It is root in
 * there, and a program in PATH is a file like any other.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { Attack } from '../../lib/lab/lab.ts';
import type { Running, Subject } from '../../lib/lab/subject.ts';

/** Before /bin in everybody's PATH. */
const PROGRAM = '/usr/local/bin/ls';

/** Puts a program in the place of `ls` that says `word`, and looks whether `victim` runs it. */
async function replaceLs(subject: Subject, attacker: Running, victim: () => Promise<Running>) {
  const word = randomBytes(8).toString('hex');
  try {
    await attacker.type(`mkdir -p /usr/local/bin; echo 'echo ${word}' > ${PROGRAM}`);
    await attacker.type(`chmod 755 ${PROGRAM}`);
    await using other = await victim();
    const seen = await other.type('ls /etc/hostname');
    const where = `ls, typed in pid ${other.pid}, after pid ${attacker.pid} has written ${PROGRAM}`;
    return { succeeded: seen.includes(word), seen, where };
  } finally {
    // Whoever is attacked next shares the directory.
    rmSync(`${subject.rootfs}${PROGRAM}`, { force: true });
  }
}

const replaceRunning: Attack = {
  name: 'replace-program',
  title: 'have another container run a program that this one has put in the place of ls',
  stoppedBy: '09',
  run: async (subject) => {
    await using running = await subject.start();
    await using attacker = await subject.start();
    return await replaceLs(subject, attacker, async () => running);
  },
};

const leaveBehind: Attack = {
  name: 'leave-behind',
  title: 'leave a program behind for whichever container is started next',
  stoppedBy: '09',
  run: async (subject) => {
    await using attacker = await subject.start();
    return await replaceLs(subject, attacker, () => subject.start());
  },
};

export const attacks: readonly Attack[] = [replaceRunning, leaveBehind];
