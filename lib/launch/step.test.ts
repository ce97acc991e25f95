import { existsSync, readlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { launch } from './program.ts';
import { nextStop, type Pause, type StepCommand, stepProgram } from './step.ts';

const program = launch({}, (call) => {
  call.chdir('/usr');
  call.attempt.chdir('/nowhere');
  call.gate('maps');
  call.chdir('/');
  call.execve('/bin/sh', ['sh', '-c', 'exit 9'], {});
});

/** Steps with these commands, then with `continue`; what was seen at each pause. */
async function stepWith(...commands: StepCommand[]) {
  const pauses: (Pause & { cwd: string })[] = [];
  const child = await stepProgram(program, {
    streams: [0, 1, 2],
    ask: async (pause) => {
      pauses.push({ ...pause, cwd: readlinkSync(`/proc/${pause.pid}/cwd`) });
      return commands[pauses.length - 1] ?? 'continue';
    },
  });
  return { pauses, exit: await child.exited, child };
}

describe('the next stop', () => {
  it('is the next line, the line asked for, or none', () => {
    expect(nextStop('next', 3, 9)).toBe(4);
    expect(nextStop({ skipTo: 7 }, 3, 9)).toBe(7);
    expect(nextStop('continue', 3, 9)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is never behind, at, or past the program', () => {
    for (const skipTo of [2, 3, 9, 3.5, Number.NaN]) {
      expect(() => nextStop({ skipTo }, 3, 9)).toThrow(RangeError);
    }
  });
});

describe('a stepped program', () => {
  itNeeds(
    ['linux'],
    'waits before each line, half built, with the last line’s answer',
    async () => {
      const { pauses, exit } = await stepWith('next', 'next', 'next', 'next', 'next');
      expect(pauses.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
      expect(pauses.map(({ cwd }) => cwd)).toEqual([process.cwd(), '/usr', '/usr', '/usr', '/']);
      expect(pauses.map(({ previous }) => previous?.result)).toEqual([
        undefined,
        '0',
        'ENOENT',
        'opened',
        '0',
      ]);
      expect(pauses[1]).toMatchObject({
        text: 'chdir("/nowhere")',
        page: 'chdir(2)',
        total: 5,
        previous: { index: 0, text: 'chdir("/usr")' },
      });
      expect(exit).toEqual({ code: 9 });
    },
  );

  itNeeds(['linux'], 'runs the lines that are skipped over', async () => {
    const { pauses, exit } = await stepWith({ skipTo: 4 });
    expect(pauses.map(({ index }) => index)).toEqual([0, 4]);
    expect(pauses[1]?.cwd).toBe('/');
    expect(exit).toEqual({ code: 9 });
  });

  itNeeds(['linux'], 'runs to its end without another pause', async () => {
    const { pauses, exit } = await stepWith('next', 'continue');
    expect(pauses).toHaveLength(2);
    expect(exit).toEqual({ code: 9 });
  });

  itNeeds(['linux'], 'ends where it is aborted, and its child with it', async () => {
    let pid = 0;
    const stepping = stepProgram(program, {
      ask: async (pause) => {
        pid = pause.pid;
        return pause.index < 2 ? 'next' : 'abort';
      },
    });
    await expect(stepping).rejects.toMatchObject({ name: 'LaunchError', aborted: true });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  itNeeds(['linux'], 'ends when asking fails, with that reason', async () => {
    const reason = new Error('the terminal is gone');
    await expect(stepProgram(program, { ask: () => Promise.reject(reason) })).rejects.toBe(reason);
  });
});
