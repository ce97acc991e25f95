/** What the README says to put into files of engines, and how the table tells what became of it. */
import { expect, it } from 'vitest';
import { root } from '../../lib/lab/course.ts';
import { blockFor, lineOf, readReadme } from './readme.ts';
import { countOutcomes, formatReport, type Outcome } from './report.ts';

it('the README shows for each engine the lines of its own file', () => {
  const readme = readReadme(root);
  expect(blockFor('/etc/containers/containers.conf', readme)).toContain('[engine]');
  expect(JSON.parse(blockFor('/etc/docker/daemon.json', readme))).toMatchObject({
    'default-runtime': 'box-runtime',
  });
  expect(blockFor('/etc/containerd/config.toml', readme)).toContain('options.BinaryName');
  expect(lineOf('ctr run', readme)).toContain('--runc-binary');
  expect(() => blockFor('/etc/none', readme)).toThrow('README.md shows nothing for /etc/none');
});

it('a row that falls short has its reason below the table, once', () => {
  const outcomes = (...all: Outcome[]) => new Map(all.map((one, i) => [`case ${i}`, one]));
  const absent: Outcome = { how: 'absent', why: 'it has no words for it' };
  const columns = new Map([
    ['one', outcomes({ how: 'held' }, absent, absent)],
    ['two', outcomes({ how: 'failed', why: '1 is not 2' }, { how: 'held' }, { how: 'held' })],
  ]);
  const text = formatReport(['case 0', 'case 1', 'case 2'], columns);
  const [, , , , ...reasons] = text.split('\n');
  expect(reasons).toEqual([
    '— one: it has no words for it (case 1; case 2)',
    'FAILED two: 1 is not 2 (case 0)',
  ]);
  expect(countOutcomes(columns)).toEqual({ passed: 3, failed: 1, skipped: 2 });
});
