import { describe, expect, it } from 'vitest';
import {
  AT_FDCWD,
  CLONE_NEWPID,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  MS_PRIVATE,
  MS_REC,
  OPEN_TREE_CLONE,
} from '../kernel/constants.ts';
import { itNeeds } from '../observe/it-needs.ts';
import { capture } from './capture.ts';
import { explainProgram } from './explain.ts';
import { formatRows } from './explain-text.ts';
import { mutants, replaceExec, withoutLine } from './mutate.ts';
import { launch } from './program.ts';
import type { LineResult } from './results.ts';

const environment = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`V${i}`, String(i)]));

const program = launch({ namespaces: ['mount', 'uts'] }, (call) => {
  call.mount(null, '/', null, MS_REC | MS_PRIVATE);
  call.gate('network');
  const tree = call.openTree(AT_FDCWD, '/a', OPEN_TREE_CLONE);
  call.moveMount(tree, '', AT_FDCWD, '/b', MOVE_MOUNT_F_EMPTY_PATH);
  call.attempt.umount2('/c', MNT_DETACH);
  call.fork(CLONE_NEWPID);
  call.execve('/bin/sh', ['sh'], environment);
});

describe('an explained program', () => {
  const rows = explainProgram(program);

  it('begins with the clone and its namespaces, and has one row for each line', () => {
    expect(rows).toHaveLength(program.lines.length + 1);
    expect(rows[0]).toMatchObject({ kind: 'clone', number: null, page: 'clone(2)' });
    expect(rows[0]?.text).toContain('flags=CLONE_NEWNS|CLONE_NEWUTS,');
    expect(rows.slice(1).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('writes calls as C does, and results of earlier lines by their number', () => {
    expect(rows[1]?.text).toBe('mount(NULL, "/", NULL, MS_REC|MS_PRIVATE, NULL)');
    expect(rows[4]?.text).toBe('move_mount($3, "", AT_FDCWD, "/b", MOVE_MOUNT_F_EMPTY_PATH)');
  });

  it('names the manual page, which is not always called as the call', () => {
    expect(rows.map(({ page }) => page)).toEqual([
      'clone(2)',
      'mount(2)',
      null,
      'open_tree(2)',
      'move_mount(2)',
      'umount(2)',
      'clone(2)',
      'execve(2)',
    ]);
  });

  it('shortens a long environment and says how much is missing', () => {
    expect(rows[7]?.text).toMatch(/\["V0=0", .*"V4=4", … 15 more\]\)$/);
  });

  it('is plain data', () => {
    expect(JSON.parse(JSON.stringify(rows))).toEqual(rows);
  });

  it('says what came of each line', () => {
    const answers: [number | null, boolean][] = [
      [0, true],
      [1, true],
      [7, true],
      [0, true],
      [-22, true],
      [99, true],
      [null, true],
    ];
    const results = program.lines.map((line, i): LineResult => {
      const [result, reached] = answers[i] ?? [null, false];
      return { line, result, reached, microseconds: null };
    });
    const told = explainProgram(program, results);
    expect(told.map(({ result }) => result)).toEqual([
      null,
      '0',
      'opened',
      '7',
      '0',
      'EINVAL',
      '99',
      'runs',
    ]);
    expect(told.filter(({ failed }) => failed).map(({ number }) => number)).toEqual([5]);
    const stopped = results.map((it, i) => (i > 2 ? { ...it, reached: false, result: null } : it));
    expect(explainProgram(program, stopped).at(-1)?.result).toBe('not reached');
  });

  it('fits into the width, one line for each row, columns aligned', () => {
    const lines = formatRows(rows, { width: 70 });
    expect(lines).toHaveLength(rows.length);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(70);
    const columns = lines.flatMap((line) => line.match(/ \S+\(2\)$/)?.index ?? []);
    expect(new Set(columns).size).toBe(1);
  });

  it('has colours only where they are asked for', () => {
    const sequence = '\u001b[';
    expect(formatRows(rows).join()).not.toContain(sequence);
    expect(formatRows(rows, { color: true }).join()).toContain(sequence);
  });
});

describe('a mutated program', () => {
  it('misses one line and keeps the others as they were', () => {
    const without = withoutLine(program, 2);
    expect(without.lines).toHaveLength(6);
    expect(without.lines[2]).toBe(program.lines[3]);
    expect(without.namespaces).toEqual(program.namespaces);
    expect(explainProgram(without)[3]?.text).toContain('move_mount(-1, ');
  });

  it('cannot miss a line that is not there', () => {
    expect(() => withoutLine(program, 7)).toThrow(RangeError);
    expect(() => withoutLine(program, -1)).toThrow(RangeError);
  });

  it('exists for every line but the last execve, gates too', () => {
    const all = mutants(program);
    expect(all.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(all[1]?.text).toBe('gate network');
    for (const { index, program: mutant } of all) {
      expect(mutant.lines).not.toContain(program.lines[index]);
      expect(mutant.lines).toHaveLength(6);
    }
  });

  it('can end in another way: the lines before stay, the execve goes', () => {
    const probing = replaceExec(program, (call) => {
      call.chdir('/probe');
      call.exit(0);
    });
    expect(probing.lines.slice(0, 6)).toEqual(program.lines.slice(0, 6));
    expect(probing.lines.slice(6).map((line) => line.kind === 'call' && line.call)).toEqual([
      'chdir',
      'exit',
    ]);
  });

  itNeeds(
    ['linux'],
    'runs its new ending where the container’s program would have run',
    async () => {
      const original = launch({}, (call) => {
        call.chdir('/usr');
        call.attempt.execve('/nowhere', ['x'], {});
        call.execve('/bin/sh', ['sh', '-c', 'echo original'], {});
      });
      const probe = replaceExec(original, (call) => void call.execve('/bin/pwd', ['pwd'], {}));
      expect((await capture(probe)).stdout).toBe('/usr\n');
      const lost = replaceExec(withoutLine(original, 0), (call) => {
        call.execve('/bin/pwd', ['pwd'], {});
      });
      expect((await capture(lost)).stdout).not.toBe('/usr\n');
    },
  );
});
