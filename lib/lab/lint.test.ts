import { expect, it, test } from 'vitest';
import type { LabModules } from './course.ts';
import { defineLab } from './lab.ts';
import { proveCommands } from './lint/console.ts';
import { lintLinks } from './lint/links.ts';
import { lintFolder, lintParts } from './lint/parts.ts';
import { describeComplaint, lintReading } from './lint.ts';
import { parseReading } from './reading.ts';

const WORDS = 'The kernel starts from a field in the record of a process. '.repeat(90);

/** A reading that keeps every rule; each test breaks it in one place. */
const GOOD = `---
number: "03"
title: Another root
minutes: 15
needs: [root]
objectives: [one, two, three]
keypoints: [one, two, three]
---

# Another root

## The question

${WORDS}

## The idea

\`\`\`text
a drawing, simply! drawn
\`\`\`

> **Predict.** What is printed?

[step first](lab.ts)

\`\`\`output first
hello
\`\`\`

\`\`\`runtime
call.chroot(rootfs);
…
call.chdir('/');
\`\`\`

> **Predict.** And now?

[step second](lab.ts)

## From outside

## Break it

\`\`\`console
$ echo one
one
$ npm run lab:03
\`\`\`

## Yours

## Elsewhere

\`\`\`ts lib/lab/lint/complaint.ts
export interface Complaint {
\`\`\`

## Check yourself

<details><summary>First</summary>

An answer.

</details>

<details><summary>Second</summary>

An answer.

</details>

<details><summary>Third</summary>

An answer.

</details>

<details><summary>For the teacher</summary>

Fifteen minutes.

</details>
`;

const FILE = 'labs/03-x/README.md';
const TEXTS = {
  number: '03',
  steps: ['first', 'second'],
  runtime: "  call.chroot(rootfs);\n  call.mount();\n  call.chdir('/');\n",
};
const complaintsOf = (text: string) => lintReading(text, FILE, TEXTS).map(describeComplaint);

it('has nothing against a reading that keeps the rules', () => {
  expect(complaintsOf(GOOD)).toEqual([]);
});

test.each([
  ['a number of another folder', '"03"', '"04"', /front matter: number 04/],
  ['two objectives', 'objectives: [one, two, three]', 'objectives: [one, two]', /2 objectives/],
  ['four key points', 'keypoints: [one', 'keypoints: [zero, one', /4 keypoints/],
  ['an unknown need', '[root]', '[roots]', /unknown need roots/],
  ['no minutes', 'minutes: 15', 'minutes: 0', /`minutes` must be/],
  ['no front matter', '---\nnumber', 'number', /front matter/],
  ['a missing section', '## From outside', '## Outside', /no section "## From outside"/],
  ['sections out of order', '## Yours\n\n## Elsewhere', '## Elsewhere\n\n## Yours', /too early/],
  ['no word for the teacher', 'For the teacher', 'For teaching', /no fold "For the teacher"/],
  ['two answers', '<summary>Third', '<summary>For the teacher: third', /2 folded answers/],
  ['a step that is left out', '[step second](lab.ts)', '', /step second stands 0 times/],
  ['a step twice', '[step second](lab.ts)', '[step first](lab.ts)', /step first stands 2 times/],
  ['an unknown step', '[step second](lab.ts)', '[step third](lab.ts)', /no step third/],
  ['no prediction', '> **Predict.** And now?', 'And now?', /nothing to predict before step second/],
  ['output of no step', 'output first', 'output zeroth', /output of a step that lab.ts has not/],
  ['an unknown fence', '```text', '```sh', /is no kind of block/],
  ['code that is not in the runtime', 'call.chroot(rootfs)', 'call.chroot()', /not in runtime.ts/],
  ['code in another order', "…\ncall.chdir('/');", 'call.chroot(rootfs);', /not in that order/],
  ['code of no file', 'ts lib/lab/lint/complaint.ts', 'ts lib/nothing.ts', /no file lib\/nothing/],
  ['code not in its file', 'export interface Complaint', 'interface Complaint', /not in lib/],
  ['a console without command', '$ echo one\n', '', /console begins with/],
  ['output of what is not run', 'lab:03\n```', 'lab:03\nhello\n```', /not run: npm run lab:03/],
  ['"simply"', 'Fifteen minutes', 'It is simply so', /:\d+: nothing is "simply" or "just"/],
  ['"Just" in a list', '## Yours', '## Yours\n\n- Just **one** line', /nothing is "simply"/],
  ['an exclamation mark', 'An answer.', 'An answer!', /:\d+: no exclamation marks/],
  ['too few words', WORDS, 'Few words.', /words outside folds/],
  ['too many words', WORDS, WORDS.repeat(3), /words outside folds/],
])('complains about %s', (_, from, to, complaint) => {
  expect(GOOD).toContain(from);
  const complaints = complaintsOf(GOOD.replace(from, to));
  expect(complaints).toEqual(expect.arrayContaining([expect.stringMatching(complaint)]));
});

it('names steps that stand in another order', () => {
  const swapped = GOOD.replace('[step first]', '[step x]')
    .replace('[step second]', '[step first]')
    .replace('[step x]', '[step second]');
  expect(complaintsOf(swapped)).toEqual([expect.stringMatching(/another order.*second, first/)]);
});

it('runs the commands of a console and compares what they print', () => {
  const prove = (text: string) => proveCommands(parseReading(text, FILE), '/');
  expect(prove(GOOD)).toEqual([]);
  const [stale] = prove(GOOD.replace('$ echo one\n', '$ echo two\n'));
  expect(stale?.problem).toMatch(/\$ echo two: line 1 claims "one", printed was "two"/);
});

const SURROUNDINGS = {
  exists: (path: string) => path === 'labs/02-y',
  scripts: ['lab:02', 'test'],
};

test.each([
  ['a link to nothing', 'See [it](../04-z).', 'the link ../04-z leads nowhere'],
  ['an image that is not there', '![it](a.svg)', 'the link a.svg leads nowhere'],
  ['a heading that is not there', '# One\n\n[it](#two)', 'no heading for the link #two'],
  ['a script that is not there', '`npm run lab:09`', 'package.json has no script lab:09'],
])('complains about %s', (_, text, problem) => {
  expect(lintLinks(text, FILE, SURROUNDINGS).map((each) => each.problem)).toEqual([problem]);
});

it('accepts links and commands that are there, and addresses elsewhere', () => {
  const text =
    '# The idea\n\n[a](../02-y) [b](#the-idea) [c](https://kernel.org/x) npm run lab:02, npm run lab:NN.';
  expect(lintLinks(text, FILE, SURROUNDINGS)).toEqual([]);
});

const LAB: LabModules = {
  number: '03',
  directory: '/labs/03-x',
  lab: defineLab({
    steps: { first: { title: 'First', run: async () => {} } },
    task: { lines: ['It must hold.'], before: 'call.execve', hints: ['a', 'b', 'c'] },
  }),
  runtime: {
    runtime: () => ({ prepare: [], program: { namespaces: [], lines: [] }, connect: () => [] }),
  },
  checks: async function* () {},
  attacks: [
    {
      name: 'x',
      title: 'X',
      stoppedBy: '03',
      run: async () => ({ succeeded: true, seen: '', where: '' }),
    },
  ],
};
const partsOf = (lab: Partial<LabModules>, previous = '  call.execve(x);') =>
  lintParts({ ...LAB, ...lab }, '03-x', previous).map(describeComplaint);
const withTask = (task: object) => ({ lab: { ...LAB.lab, task: { ...LAB.lab.task, ...task } } });

it('has nothing against a lab with all its parts', () => {
  expect(partsOf({})).toEqual([]);
});

test.each([
  ['no steps', { lab: { ...LAB.lab, steps: {} } }, 'labs/03-x/lab.ts: has no steps'],
  [
    'an empty hint',
    withTask({ hints: ['a', ' ', 'c'] }),
    'labs/03-x/lab.ts: 2 hints; there have to be 3',
  ],
  ['an empty task', withTask({ lines: [] }), 'labs/03-x/lab.ts: its task says nothing'],
  [
    'checks of another kind',
    { checks: (async () => {}) as never },
    'labs/03-x/checks.ts: checks is no async function*',
  ],
  ['no attacks', { attacks: [] }, 'labs/03-x/attack.ts: exports no attacks'],
  [
    'an attack that nothing stops',
    { attacks: LAB.attacks.map((attack) => ({ ...attack, stoppedBy: '99' })) },
    'labs/03-x/attack.ts: x is stopped by 99, which is no lab',
  ],
])('complains about %s', (_, change, complaint) => {
  expect(partsOf(change)).toEqual([complaint]);
});

it('complains about a task whose place is not in what it builds on', () => {
  expect(partsOf({}, 'nothing')).toEqual([expect.stringMatching(/the task has no place/)]);
});

it('complains about files that nothing refers to', () => {
  const complaints = lintFolder(
    '03-x',
    ['README.md', 'lab.ts', 'drawing.svg', 'old.ts'],
    ['drawing.svg'],
  );
  expect(complaints.map(({ file }) => file)).toEqual(['labs/03-x/old.ts']);
});
