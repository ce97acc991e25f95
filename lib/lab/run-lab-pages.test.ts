import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Keyboard } from './prompt.ts';
import { openPager } from './prompt-pager.ts';
import { parseReading } from './reading.ts';
import { createRenderer } from './render.ts';
import { painter } from './render-paint.ts';
import { Leaving, type StepEvent } from './run-lab-events.ts';
import { tellPages } from './run-lab-pages.ts';

const HEAD = `---
number: 01
title: t
minutes: 1
needs: []
objectives: []
keypoints: []
---
`;
const STEP: StepEvent = { name: 'a', title: 'A', source: 'code()', place: 1, total: 1 };

/** A learner who presses `keys`, each a key or, for a question, a line; and the screen's text. */
function sit(keys: string[], rows = 100) {
  let text = '';
  const screen = new Writable({
    write: (chunk, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  const output = Object.assign(screen, { columns: 80, rows }) as unknown as WriteStream;
  const next = () => {
    const key = keys.shift();
    if (key === undefined) throw new Error('a key was waited for that nobody presses');
    return key;
  };
  const keyboard: Keyboard = {
    key: async () => next(),
    line: async (question) => {
      output.write(question);
      return next();
    },
    lend: (work) => work(),
    idle: () => 0,
    close: () => {},
  };
  const renderer = createRenderer({ width: 80, color: false });
  const pager = openPager(output, keyboard, painter(false));
  const shells: string[] = [];
  const services = {
    shell: async () => void shells.push('opened'),
    explain: async () => ['the explanation'],
  };
  const teller = tellPages({ pager, keyboard, renderer });
  const tell = async (body: string) => {
    for (const block of parseReading(HEAD + body, 'R').blocks) await teller.block(block);
  };
  const seen = () => stripVTControlCharacters(text);
  return { teller, pager, services, shells, tell, seen, left: keys };
}

const count = (text: string, part: string) => text.split(part).length - 1;

describe('a learner at the keyboard', () => {
  it('is asked before the step, and reminded of the answer after its output', async () => {
    const { teller, services, tell, seen } = sit(['two mounts', 'enter']);
    await tell('> **Predict.** How many?\n');
    await teller.step(STEP, services);
    teller.output('a', 'three');
    await teller.stepped('a');
    const order = ['Predict. How many?', 'code()', 'Enter run it', 'three', 'You said: two mounts'];
    const places = order.map((part) => seen().indexOf(part));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('is told what was said last, also where the screen is full', async () => {
    const { teller, seen } = sit([], 4);
    teller.output('a', 'one\ntwo\nthree\nfour');
    teller.failed({ during: 'step a', message: 'it broke' });
    teller.kept('/where/it/lies');
    expect(seen()).toMatch(/three\nfour\n.*it broke\nkept: \/where\/it\/lies\n/);
  });

  it('who says nothing is reminded of nothing', async () => {
    const { teller, services, tell, seen } = sit(['', 'enter']);
    await tell('> **Predict.** How many?\n');
    await teller.step(STEP, services);
    await teller.stepped('a');
    expect(seen()).not.toContain('You said');
  });

  it('is served until Enter: shell, explanation, keys', async () => {
    const { teller, services, shells, seen, left } = sit(['s', 'e', '?', 'x', 'enter']);
    await teller.step(STEP, services);
    expect(shells).toEqual(['opened']);
    expect(seen()).toContain('the explanation');
    expect(seen()).toContain('s      a shell in a container');
    expect(left).toEqual([]);
  });

  it('goes back to the text of this wait, and of the waits before', async () => {
    const { teller, services, tell, seen } = sit(['enter', 'b', 'b', 'enter']);
    await tell('Long ago.\n');
    await teller.step(STEP, services);
    await tell('Just now.\n');
    await teller.step(STEP, services);
    expect(count(seen(), 'Just now.')).toBe(2);
    expect(count(seen(), 'Long ago.')).toBe(2);
  });

  it('opens folds one by one, and those of the last wait no more', async () => {
    const fold = (name: string) =>
      `<details><summary>${name}</summary>\n\nIn ${name}.\n\n</details>\n\n`;
    const { teller, services, tell, seen } = sit(['enter', 'o', 'o', 'enter']);
    await tell(fold('old'));
    await teller.step(STEP, services);
    await tell(fold('one') + fold('two'));
    await teller.step(STEP, services);
    expect([
      seen().includes('In old.'),
      seen().includes('In one.'),
      seen().includes('In two.'),
    ]).toEqual([false, true, true]);
  });

  it('who presses q leaves', async () => {
    const { teller, services } = sit(['q']);
    await expect(teller.step(STEP, services)).rejects.toBeInstanceOf(Leaving);
  });
});

describe('the pager', () => {
  const lines = (n: number) => Array.from({ length: n }, (_, i) => `line ${i}`).join('\n');

  it('waits after a screenful, and not before', async () => {
    const fits = sit([], 10);
    expect(await fits.pager.page(lines(8))).toBe(true);
    const longer = sit(['space'], 10);
    expect(await longer.pager.page(lines(9))).toBe(true);
    expect(longer.left).toEqual([]);
  });

  it('turns the page before a paragraph that would be cut', async () => {
    const { pager, seen } = sit(['space'], 10);
    await pager.page(`${lines(5)}\n\nlast 1\nlast 2\nlast 3\nlast 4`);
    expect(seen().indexOf('more')).toBeLessThan(seen().indexOf('last 1'));
  });

  it('holds output back that does not fit, until the page can be turned', async () => {
    const { pager, seen } = sit(['space'], 10);
    pager.show(lines(12));
    expect(seen()).toContain('line 7');
    expect(seen()).not.toContain('line 8');
    await pager.page('the end');
    expect(seen()).toContain('line 11\nthe end');
  });

  it('stops where the reader leaves', async () => {
    const { pager, seen } = sit(['q'], 10);
    expect(await pager.page(lines(20))).toBe(false);
    expect(seen()).not.toContain('line 19');
  });
});
