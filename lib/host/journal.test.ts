import { appendFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { itNeeds } from '../observe/it-needs.ts';
import { identify } from '../observe/process.ts';
import { HostError } from './host-error.ts';
import { createJournal, type Entry, readJournal, reopenJournal } from './journal.ts';
import { removeTree } from './remove-tree.ts';

let state: string;

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'unboxed-test-'));
});

afterEach(() => removeTree(state));

const entry = (act: number): Entry => ({
  act,
  action: { name: `action ${act}`, does: [], undoes: [], seen: { path: '/nowhere' } },
  inside: [],
});

function entriesOf(path: string): readonly Entry[] {
  const record = readJournal(path);
  if (typeof record === 'string') throw new Error(`the journal is ${record}`);
  return record.entries;
}

itNeeds(['linux'], 'a journal says whose it is and what is not undone yet', () => {
  const journal = createJournal(state, 'run');
  for (const act of [0, 1, 2]) journal.act(entry(act));
  journal.undone(1);
  expect(readJournal(journal.path)).toMatchObject({
    run: 'run',
    owner: identify(process.pid),
    kept: false,
    entries: [entry(0), entry(2)],
  });
  journal.remove();
  expect(readJournal(journal.path)).toBe('gone');
});

itNeeds(['linux'], 'a line is in the file before the call returns', () => {
  const journal = createJournal(state, 'run');
  journal.act(entry(0));
  expect(readFileSync(journal.path, 'utf8').split('\n')).toHaveLength(3);
  journal.close();
});

itNeeds(['linux'], 'a torn last line is not there, and the next line is whole', () => {
  const journal = createJournal(state, 'run');
  journal.act(entry(0));
  journal.close();
  appendFileSync(journal.path, '{"act":1,"action":{"na');
  expect(entriesOf(journal.path)).toEqual([entry(0)]);
  const again = reopenJournal(journal.path);
  again.undone(0);
  again.close();
  expect(entriesOf(journal.path)).toEqual([]);
});

itNeeds(['linux'], 'a journal whose first line is torn has no owner', () => {
  const path = join(state, 'x.jsonl');
  for (const text of ['', '{"run":"x","own']) {
    writeFileSync(path, text);
    expect(readJournal(path)).toBe('ownerless');
  }
});

itNeeds(['linux'], 'an unreadable line in the middle is an error that names file and line', () => {
  const journal = createJournal(state, 'run');
  appendFileSync(journal.path, 'rubbish\n');
  journal.act(entry(0));
  expect(() => readJournal(journal.path)).toThrow(/run\.jsonl: line 2 is not readable; /);
  journal.close();
});

itNeeds(
  ['linux'],
  'a second run of the same name is refused, and the first one’s journal whole',
  () => {
    const journal = createJournal(state, 'run');
    journal.act(entry(0));
    expect(() => createJournal(state, 'run')).toThrow(HostError);
    expect(entriesOf(journal.path)).toEqual([entry(0)]);
    expect(readdirSync(dirname(journal.path))).toEqual(['run.jsonl']);
    journal.close();
  },
);
