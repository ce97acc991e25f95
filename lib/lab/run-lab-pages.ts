/**
 * A run of a lab for somebody at the keyboard: a text, a question, a step; nothing runs before the
 * learner says so.
 *
 *   text … ── Predict: a line of text ── source ── wait ── the step runs ── You said … ── text …
 */
import type { Keyboard } from './prompt.ts';
import type { Pager } from './prompt-pager.ts';
import type { Block } from './reading.ts';
import type { Renderer } from './render.ts';
import { formatAttacks } from './report.ts';
import { Leaving, type Services, type Teller } from './run-lab-events.ts';
import { formatRule, formatStep, tellText } from './run-lab-text.ts';

type Fold = Extract<Block, { kind: 'fold' }>;

const KEYS = [
  'Enter  goes on: runs the step whose code is shown',
  's      a shell in a container of this lab’s runtime; exit brings you back',
  'e      explain: the calls that the runtime makes, and what the host does',
  'b      back: what was shown before this; once more, and what was before that',
  'o      opens the next fold (▸) of the text since the last wait',
  'q      quit; what the lab has made is taken away',
  'Ctrl-C the same, at any moment',
].join('\n');

export interface Desk {
  pager: Pager;
  keyboard: Keyboard;
  renderer: Renderer;
}

export function tellPages({ pager, keyboard, renderer }: Desk): Teller {
  const { paint, width } = renderer;
  /** What was shown between two waits. */
  const sections: string[] = [''];
  let folds: Fold[] = [];
  let answers: string[] = [];

  const page = async (text: string) => {
    if (!(await pager.page(text))) throw new Leaving();
  };
  const read = async (text: string) => {
    sections.push(`${sections.pop() ?? ''}${text}\n`);
    await page(text);
  };

  /** Serves the learner until Enter. */
  const wait = async (go: string, services: Services): Promise<void> => {
    let back = sections.length;
    for (;;) {
      switch (await pager.ask(`── ${choices(go, services, { folds: folds.length, width })} `)) {
        case 'enter':
        case 'space':
          folds = [];
          sections.push('');
          return;
        case 's':
          if (!services.shell) break;
          await page(paint('dim', 'a container of this runtime; exit brings you back'));
          await keyboard.lend(services.shell);
          await page('');
          break;
        case 'e':
          await page(`${(await services.explain(width)).join('\n')}\n`);
          break;
        case 'b':
          back = Math.max(0, back - 1);
          await page(`${paint('dim', '── back')}\n\n${sections[back] ?? ''}`);
          break;
        case 'o': {
          const fold = folds.shift();
          if (fold) await page(`${renderer.open(fold)}\n`);
          break;
        }
        case '?':
          await page(`${KEYS}\n`);
          break;
        case 'q':
          throw new Leaving();
      }
    }
  };

  // Nobody turns a page after these.
  const { failed, kept, done } = tellText((text) => pager.end(text), renderer);

  return {
    ...tellText((text) => pager.show(text), renderer),
    failed,
    kept,
    done,
    begin: (frontMatter) => read(`${renderer.head(frontMatter)}\n`),
    block: async (block) => {
      const text = renderer.block(block);
      if (text === undefined) return;
      if (block.kind === 'fold') folds.push(block);
      await read(`${text}\n`);
      if (block.kind !== 'predict') return;
      answers.push(await pager.line(paint('cyan', 'Your answer (or Enter): ')));
      await page('');
    },
    step: async (step, services) => {
      await read(`${formatStep(step, renderer)}\n`);
      await wait('Enter run it', services);
    },
    stepped: async () => {
      await page('');
      const said = answers.filter((answer) => answer !== '');
      answers = [];
      for (const answer of said) await page(`${paint('cyan', 'You said:')} ${answer}\n`);
    },
    examine: async (services) => {
      await wait('Enter checks and attacks', services);
      await page(`${formatRule('checks, from outside', renderer)}\n`);
    },
    attacked: (outcomes) => page(`\n${formatAttacks(outcomes, renderer)}`),
    close: () => keyboard.close(),
  };
}

/** The keys on one line; where it is too narrow for all, `?` tells the others. */
function choices(
  go: string,
  { shell }: Services,
  { folds, width }: { folds: number; width: number },
) {
  const keys = [
    go,
    ...(shell ? ['s shell'] : []),
    'e explain',
    'b back',
    ...(folds > 0 ? [`o open (${folds})`] : []),
    'q quit',
    '? keys',
  ];
  for (const less of ['b back', 'e explain', 's shell']) {
    if (keys.join(' · ').length <= width - ROOM) break;
    keys.splice(keys.indexOf(less), 1);
  }
  return keys.join(' · ');
}

/** For the dashes before the choices and the cursor behind them. */
const ROOM = 5;
