/**
 * The command line of a lab: one table of flags, from which parsing and `--help` are made.
 */
import { parseArgs } from 'node:util';
import { LabError } from './lab-error.ts';

/** What a run does; without any such flag, the whole lab. */
export type Mode =
  | 'lab'
  | 'step'
  | 'check'
  | 'attack'
  | 'mine'
  | 'reset'
  | 'hint'
  | 'solution'
  | 'explain'
  | 'single-step';

export interface LabOptions {
  /** Two digits; undefined to list the labs. */
  number: string | undefined;
  mode: Mode;
  /** A step's name, or its place counted from 1. */
  step: string | undefined;
  /** 1 to 3; undefined: the next one. */
  degree: number | undefined;
  json: boolean;
  yes: boolean;
  keep: boolean;
  onHost: boolean;
  rootfs: string | undefined;
  help: boolean;
}

interface Flag {
  /** The name of its value; a flag without is on or off. */
  value?: string;
  about: string;
}

const FLAGS = {
  step: { value: 'N', about: 'run this step alone: its name, or its place from 1' },
  check: { about: 'run the checks alone' },
  attack: { about: 'run the attacks alone' },
  mine: { about: 'checks and attacks against my/runtime.ts' },
  reset: { about: 'start my/runtime.ts over; the old file is kept beside it' },
  hint: { value: '[1-3]', about: 'a hint for my/runtime.ts: from a nudge to nearly the answer' },
  solution: { about: "the difference from my/runtime.ts to the lab's own" },
  explain: { about: "the runtime's calls, their results and their times, in one start" },
  'single-step': { about: 'start a container one call at a time' },
  yes: { about: 'straight through, without waiting for keys' },
  json: { about: 'a line of JSON per event, and no questions' },
  rootfs: { value: 'PATH', about: 'use this directory as root filesystem' },
  keep: { about: "leave the run's directory, and say where it is" },
  'on-host': { about: "lab 05: on the machine's own network" },
  help: { about: 'this list' },
} satisfies Record<string, Flag>;

type FlagName = keyof typeof FLAGS;
const flags: readonly (readonly [FlagName, Flag])[] = Object.entries(FLAGS) as [FlagName, Flag][];

const MODES: readonly Exclude<Mode, 'lab'>[] = [
  'step',
  'check',
  'attack',
  'mine',
  'reset',
  'hint',
  'solution',
  'explain',
  'single-step',
];

/** Throws LabError with exit code 2, one line, for what cannot be meant. */
export function readOptions(args: readonly string[]): LabOptions {
  const { values, positionals } = parse(withDegree(args));
  const [number, ...more] = positionals;
  if (more.length > 0) throw wrong(`one lab at a time, not ${positionals.join(' ')}`);
  const modes = MODES.filter((mode) => values[mode] !== undefined);
  if (modes.length > 1) throw wrong(`--${modes[0]} and --${modes[1]} do not go together`);
  const mode = modes[0] ?? 'lab';
  const hint = values.hint as string | undefined;
  if (hint && !/^[1-3]$/.test(hint)) throw wrong(`--hint takes 1, 2 or 3, not ${hint}`);
  const onHost = values['on-host'] === true;
  if (onHost && number?.padStart(2, '0') !== '05') throw wrong('only lab 05 takes --on-host');
  const ofAnyList = ['help', 'json', 'yes'];
  const needsLab = flags.find(([name]) => values[name] !== undefined && !ofAnyList.includes(name));
  if (number === undefined && needsLab) throw wrong(`--${needsLab[0]} wants a lab's number`);
  return {
    number: number?.padStart(2, '0'),
    mode,
    step: values.step as string | undefined,
    degree: hint ? Number(hint) : undefined,
    json: values.json === true,
    yes: values.yes === true,
    keep: values.keep === true,
    onHost,
    rootfs: values.rootfs as string | undefined,
    help: values.help === true,
  };
}

export function helpText(): string {
  const names = flags.map(([name, { value }]) => `--${name}${value ? ` ${value}` : ''}`);
  const width = Math.max(...names.map((name) => name.length));
  return [
    'npm run lab                     the list of labs',
    'npm run lab:NN [-- flags]       read and run lab NN',
    '',
    ...flags.map(([, { about }], i) => `  ${names[i]?.padEnd(width)}  ${about}`),
    '',
    'exit: 0 all held · 1 a check or an attack did not · 2 wrong usage ·',
    '      3 this host cannot run it (npm run doctor) · 130 Ctrl-C',
  ].join('\n');
}

/** The degree of --hint may be left out, which parseArgs has no form for: it becomes empty. */
function withDegree(args: readonly string[]): string[] {
  // One digit; a lab's number has two.
  const isDegree = (arg: string | undefined) => arg !== undefined && /^\d$/.test(arg);
  return args.flatMap((arg, i) => {
    if (args[i - 1] === '--hint' && isDegree(arg)) return [];
    const next = args[i + 1];
    return arg === '--hint' ? [`--hint=${isDegree(next) ? next : ''}`] : [arg];
  });
}

function parse(args: string[]) {
  const options = Object.fromEntries(
    flags.map(([name, { value }]) => [name, { type: value ? 'string' : 'boolean' }] as const),
  );
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw wrong(message.split(/\.\s|\n/)[0] ?? message, error);
  }
}

const wrong = (problem: string, cause?: unknown) =>
  new LabError(`${problem}; --help lists the flags`, 2, { cause });
