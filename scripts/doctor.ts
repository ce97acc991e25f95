/**
 * `npm run doctor`: what this host offers, and for each lab whether it can run here; if not, what
 * stands in its way and what to do about it. With `--json` the same as one JSON object.
 *
 * Exit code: 0 every lab can run, 2 wrong usage, 3 some lab cannot.
 */
import { parseArgs, styleText } from 'node:util';
import { type HostFacts, inspectHost } from '../lib/observe/host/inspect.ts';
import { wayToRun } from '../lib/observe/host/privilege.ts';
import { type Blocker, blockers, LABS, notes } from '../lib/observe/host/requirements.ts';
import { describeHost, type Group } from '../lib/observe/host/table.ts';

const USAGE = 'usage: npm run doctor [-- --json]';

process.exitCode = main(process.argv.slice(2));

function main(args: string[]): number {
  const flags = readFlags(args);
  if (typeof flags === 'string') {
    console.error(`doctor: ${flags}; ${USAGE}`);
    return 2;
  }
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const facts = inspectHost();
  const labs = LABS.map((lab) => ({ lab, blockers: blockers(facts, lab) }));
  const way = facts.linux && wayToRun(facts.linux);
  if (flags.json) {
    console.log(JSON.stringify({ facts, runsAs: way, labs, notes: notes(facts) }));
  } else {
    console.log(describeHost(facts).map(formatGroup).join('\n\n'));
    console.log(`\n${formatLabs(labs)}`);
    console.log(formatNotes(facts));
  }
  return labs.every((each) => each.blockers.length === 0) ? 0 : 3;
}

/** The flags, or in one line what is wrong with them. */
function readFlags(args: string[]): { json?: boolean; help?: boolean } | string {
  try {
    const options = { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    return message.split('. ')[0] ?? message;
  }
}

function formatGroup({ title, rows }: Group): string {
  const width = Math.max(...rows.map(({ label }) => label.length));
  const lines = rows.map(({ label, value, met }) => {
    const mark = met === null ? ' ' : met ? styleText('green', '✓') : styleText('red', '✗');
    return `  ${mark} ${styleText('dim', label.padEnd(width))}  ${value}`;
  });
  return [styleText('bold', title), ...lines].join('\n');
}

/** What blocks several labs is explained at the first of them. */
function formatLabs(labs: { lab: string; blockers: Blocker[] }[]): string {
  const explained = new Set<string>();
  const lines = labs.flatMap(({ lab, blockers }) => {
    const name = `  lab:${lab}`;
    if (blockers.length === 0) return [`${name}  ${styleText('green', 'ready')}`];
    return [
      `${name}  ${styleText('red', 'blocked')}`,
      ...blockers.map((blocker) => {
        if (explained.has(blocker.id)) return `    ${blocker.what} (see above)`;
        explained.add(blocker.id);
        return formatBlocker(blocker);
      }),
    ];
  });
  return [styleText('bold', 'Labs'), ...lines].join('\n');
}

function formatBlocker({ what, remedy }: Blocker): string {
  return `    ${what}\n      ${styleText('cyan', '→')} ${remedy}`;
}

function formatNotes(facts: HostFacts): string {
  const paragraphs: string[] = [];
  const later = notes(facts);
  if (later.length > 0) {
    const title = styleText('bold', 'For labs still to come');
    paragraphs.push([title, ...later.map(formatBlocker)].join('\n'));
  }
  if (facts.linux && wayToRun(facts.linux) === 'user namespace') {
    paragraphs.push(
      'The labs run without root here, in a user namespace: you are root inside it and yourself\n' +
        "outside, so containers cannot make device nodes or touch the host's network.",
    );
  }
  return paragraphs.map((text) => `\n${text}`).join('\n');
}
