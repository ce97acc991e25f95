import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, it } from 'vitest';
import { runsDirectory } from '../host/state.ts';
import { launch } from '../launch/program.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { root } from './course.ts';
import { judge } from './finding.ts';
import type { Lab, RuntimeModule } from './lab.ts';
import { parseReading } from './reading.ts';
import { tellJson } from './run-lab-json.ts';
import { type Walk, WalkError, walkLab } from './run-lab-walk.ts';
import { openWorkbench } from './workbench.ts';

const directory = mkdtempSync(join(tmpdir(), 'lab-'));
afterAll(() => rmSync(directory, { recursive: true }));

const READING = `---
number: 01
title: A small lab
minutes: 1
needs: [root]
objectives: [a]
keypoints: [b]
---
# First

[step speak](lab.ts)

\`\`\`output speak
never shown
\`\`\`

Between.

[step fail](lab.ts)

Last.
`;

const execve: RuntimeModule = {
  runtime: ({ argv, env }) => ({
    prepare: [],
    program: launch({}, (call) => {
      call.execve(argv[0] ?? '', argv, env);
    }),
    connect: () => [],
  }),
};

interface Changes {
  steps?: Partial<Lab['steps']>;
  runtime?: RuntimeModule;
}

/** Walks through a lab of two steps, one check and two attacks; what it told, and what it threw. */
async function walk({ steps, runtime = execve }: Changes = {}) {
  writeFileSync(join(directory, 'lab.ts'), '// the functions come from a test\n');
  const own: Lab['steps'] = {
    speak: {
      title: 'Speak',
      run: async ({ subject, show }) => {
        await using box = await subject.start();
        show(await box.output());
        show('spoken');
      },
    },
    fail: { title: 'Nearly fail', run: async ({ show }) => show('not yet') },
  };
  const lines: string[] = [];
  const workbench = await openWorkbench({ number: '01' });
  const lab: Walk = {
    modules: {
      number: '01',
      directory,
      lab: {
        steps: { ...own, ...steps } as Lab['steps'],
        task: { lines: [], before: '', hints: ['', '', ''] },
      },
      runtime,
      checks: async function* () {
        yield judge('a claim', true, { expected: 'a', seen: 'a', where: 'here' });
      },
      attacks: [
        {
          name: 'old',
          title: 'an attack that this lab stops',
          stoppedBy: '01',
          run: async ({ name }) => ({ succeeded: name !== 'lab 01', seen: name, where: 'here' }),
        },
        {
          name: 'broken',
          title: 'an attack that cannot be carried out',
          stoppedBy: '01',
          run: async () => {
            throw new Error('no way in');
          },
        },
      ],
    },
    previous: { number: '00', name: 'lab 00', file: '', runtime: execve },
    workbench,
    teller: tellJson((line) => lines.push(line)),
    services: { explain: async () => [] },
    signal: new AbortController().signal,
  };
  try {
    const counts = await walkLab(lab, parseReading(READING, 'README.md'));
    return { counts, events: lines.map((line) => JSON.parse(line)) };
  } catch (error) {
    return { error: error as Error, events: lines.map((line) => JSON.parse(line)) };
  } finally {
    await workbench.close();
  }
}

describe('a walk through a lab', () => {
  itNeeds(['root'], 'tells text, steps, output, checks and attacks in their order', async () => {
    const { events, counts } = await walk();
    expect(events.map(({ event, text, step, name }) => [event, text ?? step ?? name])).toEqual(
      [
        ['begin', undefined],
        ['text', '# First'],
        ['step', 'speak'],
        ['output', '(box runs, pid 0 on the host)'],
        ['output', ''],
        ['output', 'spoken'],
        ['stepped', 'speak'],
        ['text', 'Between.'],
        ['step', 'fail'],
        ['output', 'not yet'],
        ['stepped', 'fail'],
        ['text', 'Last.'],
        ['check', undefined],
        ['attack', 'old'],
        ['attack', 'broken'],
        ['attack', 'old'],
        ['attack', 'broken'],
      ].map(([event, about]) => [event, expectPid(about)]),
    );
    expect(counts).toEqual({
      checks: { held: 1, failed: 0 },
      attacks: { asExpected: 1, otherwise: 1 },
    });
  });

  itNeeds(
    ['root'],
    'expects an attack to succeed before its lab and to fail from it on',
    async () => {
      const { events } = await walk();
      const attacks = events.filter(({ event, name }) => event === 'attack' && name === 'old');
      expect(
        attacks.map(({ runtime, expected, succeeded }) => [runtime, expected, succeeded]),
      ).toEqual([
        ['lab 00', true, true],
        ['lab 01', false, false],
      ]);
    },
  );

  itNeeds(['root'], 'ends at a step that fails, and names it', async () => {
    const fail = async () => {
      throw new Error('it broke');
    };
    const { error, events } = await walk({ steps: { fail: { title: 'Fail', run: fail } } });
    expect(error).toBeInstanceOf(WalkError);
    expect(error?.message).toBe('step fail: it broke');
    expect(events.at(-1)).toMatchObject({ event: 'step', step: 'fail' });
  });

  itNeeds(['root'], 'does not begin when a step of the reading is missing', async () => {
    const { error, events } = await walk({ steps: { fail: undefined } });
    expect(error?.message).toBe('README.md:19: lab.ts has no step fail');
    expect(events).toEqual([]);
  });
});

/** Pids differ from run to run. */
const expectPid = (about: string | undefined) =>
  about?.includes('pid 0') ? expect.stringMatching(/^\(box runs, pid \d+ on the host\)$/) : about;

/** Apart from the machine's own, where others may be at work. */
const state = join(directory, 'state');

const lab = (...args: string[]) =>
  execa(process.execPath, [join(root, 'scripts/lab.ts'), ...args], {
    preferLocal: true,
    reject: false,
    env: { UNBOXED_MY: join(directory, 'my'), UNBOXED_STATE: state },
  });

const runs = () => {
  const path = runsDirectory(state);
  return existsSync(path) ? readdirSync(path) : [];
};

describe('npm run lab', () => {
  it.each([
    [['--bogus'], /'--bogus'/],
    [['99'], /there is no lab 99/],
    [['01', '--rootfs', '/nowhere'], /\/nowhere does not exist/],
  ])(
    '%j is wrong usage: exit code 2, one line on stderr, nothing on stdout',
    async (args, what) => {
      const { exitCode, stdout, stderr } = await lab(...args);
      expect([exitCode, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(what);
      expect(stderr).not.toContain('\n');
    },
  );

  it('lists the labs, and as JSON one a line', async () => {
    const { stdout } = await lab();
    expect(stdout).toMatch(/^lab:01 .*not yet$/m);
    const asJson = await lab('--json');
    const numbers = asJson.stdout.split('\n').map((line) => JSON.parse(line).number);
    expect(numbers).toContain('01');
  });

  itNeeds(['root'], 'runs a lab straight through where there is no terminal', async () => {
    const { exitCode, stdout } = await lab('01');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^lab 01: \d+ checks held, \d+ attacks as expected \(.* s\)$/m);
    expect(stdout).not.toContain('\x1b');
    expect((await lab()).stdout).toMatch(/^lab:01 .*\d{4}-\d\d-\d\d$/m);
  });

  itNeeds(['root'], 'runs one step by its place, and says which there are', async () => {
    expect((await lab('01', '--step', '2')).stdout).toContain('box# pwd\n/');
    const { exitCode, stderr } = await lab('01', '--step', 'nonsense');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/no step nonsense; the steps are 1 copy, 2 enter/);
  });

  itNeeds(['root'], 'at SIGINT takes everything away and exits with 130', async () => {
    const running = lab('01', '--yes');
    await new Promise<void>((resolve) => {
      running.stdout.on('data', (text: Buffer) => {
        if (text.includes('step 1')) resolve();
      });
    });
    expect(runs()).not.toEqual([]);
    running.kill('SIGINT');
    expect((await running).exitCode).toBe(130);
    expect(runs()).toEqual([]);
  });

  itNeeds(['root'], 'takes everything away too when nobody reads on', async () => {
    const running = lab('01', '--yes');
    running.stdout.once('data', () => running.stdout.destroy());
    const { exitCode, stderr } = await running;
    expect([exitCode, stderr]).toEqual([141, '']);
    expect(runs()).toEqual([]);
  });
});
