/**
 * RUN: a command in a container over the layers so far; what it changes is the new layer.
 *
 * Dockerfile reference, "RUN"
 */
import { findInRoot } from '../in-root.ts';
import { findUser } from '../user.ts';
import { BuildError } from './build-error.ts';
import { type Building, type Made, makeOrFind } from './building.ts';
import { commandOf, environmentOf } from './configure.ts';
import type { Instruction } from './dockerfile.ts';
import { DEFAULT_PATH, type Draft } from './draft.ts';
import type { Network } from './execute.ts';
import { PROXIES } from './scope.ts';

export interface RunMade extends Made {
  /** As `history` shows it. */
  text: string;
}

/** Throws BuildError with the line, and the exit code where the command had one. */
export async function runStep(
  building: Building,
  draft: Draft,
  instruction: Instruction,
): Promise<RunMade> {
  const { dockerfile, execute, tell, signal } = building;
  const { config } = draft;
  const { line } = instruction;
  const argv = argvOf(building, draft, instruction);
  const network = networkOf(building, instruction);
  const environment = environmentOf(config);
  const given = [...draft.arguments].filter(([name]) => !environment.has(name));
  const counted = given.filter(([name]) => !PROXIES.includes(name));
  const { User: user = '', WorkingDir: cwd = '/' } = config;
  const parts = ['RUN', argv, [...environment], counted, user, cwd, network];
  const made = await makeOrFind(building, draft, parts, {
    init: true,
    change: async ({ host, root }) => {
      if (findInRoot(root, cwd) === null) {
        throw new BuildError(dockerfile.file, `RUN: WORKDIR ${cwd} is not in the image`, { line });
      }
      const who = findUser(root, user);
      const env = {
        PATH: DEFAULT_PATH,
        HOME: who.home,
        ...Object.fromEntries([...given, ...environment]),
      };
      const onOutput = (chunk: Buffer) => tell({ kind: 'output', chunk });
      const exit = await execute({
        ...{ host, root, argv, env, cwd, user: who, network, onOutput, signal },
      });
      if (exit.code === 0) return undefined;
      const how = exit.signal ? `ended by ${exit.signal}` : `exit code ${exit.code}`;
      const what = `RUN ${shorten(instruction.text)}: ${how}`;
      throw new BuildError(dockerfile.file, what, { line, exitCode: exit.code ?? null });
    },
  });
  const args = counted.map(([name, value]) => `${name}=${value} `);
  const prefix = args.length > 0 ? `|${args.length} ${args.join('')}` : '';
  return { ...made, text: `RUN ${prefix}${argv.join(' ')}` };
}

/** The shell reads here-documents itself, but for one that is the whole command: its script. */
function argvOf({ dockerfile }: Building, { config }: Draft, instruction: Instruction): string[] {
  const { heredocs, heredocLines, text, line } = instruction;
  const [heredoc] = heredocs;
  if (!heredoc) return commandOf(config, instruction);
  const whole = heredocs.length === 1 && /^<<-?["']?\w+["']?$/.test(text);
  if (whole && heredoc.text.startsWith('#!')) {
    const what = 'RUN <<: a script with a #! line is not run; COPY it, then RUN it';
    throw new BuildError(dockerfile.file, what, { line });
  }
  const script = whole ? heredoc.text : `${text}\n${heredocLines}\n`;
  return commandOf(config, { ...instruction, text: script });
}

function networkOf({ dockerfile, network }: Building, { flags, line }: Instruction): Network {
  let chosen = network;
  for (const { name, value } of flags) {
    const refuse = (what: string) => new BuildError(dockerfile.file, `RUN ${what}`, { line });
    if (name !== 'network') throw refuse(`--${name}: not known here; known is --network`);
    if (value === 'host' || value === 'none') chosen = value;
    else if (value !== 'default') throw refuse(`--network=${value}: host, none or default`);
  }
  return chosen;
}

const shorten = (text: string) => (text.length > 72 ? `${text.slice(0, 71)}…` : text);
