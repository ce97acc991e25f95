import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { itNeeds } from '../../observe/it-needs.ts';
import { type LabModules, loadLab } from '../course.ts';
import { loadLabsUpTo } from '../examine.ts';
import { describeComplaint } from './complaint.ts';
import { proveOwn, proveReading, proveStart } from './prove.ts';

async function load(number: string): Promise<LabModules> {
  const lab = await loadLab(number);
  if (!lab) throw new Error(`lab ${number} is not there`);
  return lab;
}

itNeeds(['root'], 'a runtime that lacks its lab’s lines is told by check and attack', async () => {
  const labs = await loadLabsUpTo('01');
  const { runtime } = await load('00');
  const wrong = await proveOwn(labs.map((lab) => ({ ...lab, runtime })));
  expect(wrong).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^lab 01, its root is .*: expected .*, seen /),
      'lab 01, attack read-by-path: succeeds',
    ]),
  );
});

itNeeds(['root'], 'a start that already passes is told', async () => {
  const lab = await load('01');
  expect(await proveStart({ ...lab, checks: async function* () {}, attacks: [] })).toBeUndefined();
});

itNeeds(['root'], 'a claim that a run does not print is told with its line', async () => {
  const lab = await load('01');
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-prove-'));
  try {
    const text = readFileSync(join(lab.directory, 'README.md'), 'utf8');
    const stale = text.replace('$ ldd /bin/ls', '$ ldd /bin/mv');
    expect(stale).not.toBe(text);
    writeFileSync(join(directory, 'README.md'), stale);
    const complaints = await proveReading({ ...lab, directory });
    expect(complaints.map(describeComplaint)).toEqual([
      expect.stringMatching(/README\.md:\d+: output copy: line \d+ claims "\$ ldd \/bin\/mv"/),
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
