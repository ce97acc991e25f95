/**
 * Stages: each FROM begins one, and only those are built from which the wanted one is made. What a
 * stage begins with, or copies from, is an earlier stage, an image, or nothing.
 *
 * Dockerfile reference, "FROM", "COPY --from"; Docker docs, "Multi-stage builds"
 */
import type { Platform } from '../spec.ts';
import { formatPlatform } from '../transfer/platform.ts';
import { BuildError } from './build-error.ts';
import type { Dockerfile, Instruction } from './dockerfile.ts';
import { expandIn, platformArguments, readPairs, type Scope } from './scope.ts';

export type Source = { stage: number } | { image: string } | 'scratch';

export interface Stage {
  index: number;
  name: string | null;
  from: Source;
  /** Its FROM. */
  first: Instruction;
  /** Without FROM. */
  instructions: readonly Instruction[];
  /** Where its COPY --from point to, by what is written there. */
  copies: ReadonlyMap<string, Source>;
}

export interface StagePlan {
  /** Those that are needed, in the order of the file; the wanted one is the last. */
  stages: readonly Stage[];
  /** Build arguments from before the first FROM: what an ARG without a value has in a stage. */
  globals: ReadonlyMap<string, string>;
}

export interface StageOptions {
  /** Name or number of a stage; the last one unless given. */
  target?: string | undefined;
  buildArgs: Readonly<Record<string, string>>;
  platform: Platform;
}

/** Throws BuildError: a stage that is not there, a name that is none, a platform other than ours. */
export function planStages(dockerfile: Dockerfile, options: StageOptions): StagePlan {
  const { file, escapeChar, instructions } = dockerfile;
  const firstFrom = instructions.findIndex(({ keyword }) => keyword === 'FROM');
  const globals = platformArguments(options.platform);
  const scope: Scope = { file, escapeChar, arguments: globals, environment: new Map() };
  for (const instruction of instructions.slice(0, firstFrom)) {
    for (const { key, value } of readPairs(scope, instruction, { single: false })) {
      const given = options.buildArgs[key] ?? value;
      if (given !== undefined) globals.set(key, given);
    }
  }
  const all: Stage[] = [];
  for (const instruction of instructions.slice(firstFrom)) {
    const last = all.at(-1);
    if (instruction.keyword === 'FROM') all.push(readFrom(instruction, all, scope, options));
    else if (last) all[last.index] = extend(last, instruction, all, scope);
  }
  const wanted = findTarget(all, options.target, file);
  const needed = new Set<number>();
  const need = (stage: Stage | undefined) => {
    if (!stage || needed.has(stage.index)) return;
    needed.add(stage.index);
    for (const source of [stage.from, ...stage.copies.values()]) {
      if (typeof source === 'object' && 'stage' in source) need(all[source.stage]);
    }
  };
  need(wanted);
  return { stages: all.filter(({ index }) => needed.has(index)), globals };
}

function readFrom(
  instruction: Instruction,
  before: readonly Stage[],
  scope: Scope,
  { platform }: StageOptions,
): Stage {
  const { line, flags } = instruction;
  const refuse = (what: string) => new BuildError(scope.file, what, { line });
  const [image = '', as, name, ...more] = instruction.text.split(/\s+/);
  if (more.length > 0 || (as !== undefined && (!/^as$/i.test(as) || name === undefined))) {
    throw refuse(`FROM ${instruction.text}: one image, and perhaps AS and a name`);
  }
  if (name !== undefined && !/^[a-z][a-z0-9._-]*$/i.test(name)) {
    throw refuse(`FROM … AS ${name}: a name is letters, digits, ., _ and -, a letter first`);
  }
  for (const { name: flag, value } of flags) {
    if (flag !== 'platform') throw refuse(`FROM: there is no flag --${flag}; known is --platform`);
    const asked = expandIn(scope, instruction, value ?? '');
    const ours = formatPlatform(platform);
    if (asked !== '' && asked !== ours) {
      throw refuse(`FROM --platform=${asked}: only ${ours} is built here, no other is emulated`);
    }
  }
  const from = expandIn(scope, instruction, image);
  if (from === '') throw refuse(`FROM ${image}: this is empty; give the build argument a value`);
  return {
    index: before.length,
    name: name?.toLowerCase() ?? null,
    from: from === 'scratch' ? from : (findStage(from, before) ?? { image: from }),
    first: instruction,
    instructions: [],
    copies: new Map(),
  };
}

function extend(
  stage: Stage,
  instruction: Instruction,
  all: readonly Stage[],
  scope: Scope,
): Stage {
  const from = instruction.flags.find(({ name }) => name === 'from')?.value;
  const copies = new Map(stage.copies);
  if (from) {
    // A stage may not copy from itself, nor from a later one.
    const before = all.slice(0, stage.index);
    const source = expandIn(scope, instruction, from);
    if (/^\d+$/.test(source) && !before[Number(source)]) {
      const what = `--from=${from}: there is no stage ${source} before this one`;
      throw new BuildError(scope.file, what, { line: instruction.line });
    }
    copies.set(from, findStage(source, before) ?? { image: source });
  }
  return { ...stage, instructions: [...stage.instructions, instruction], copies };
}

function findStage(name: string, stages: readonly Stage[]): Source | null {
  const named = stages.findLast((stage) => stage.name === name.toLowerCase());
  const found = named ?? (/^\d+$/.test(name) ? stages[Number(name)] : undefined);
  return found ? { stage: found.index } : null;
}

function findTarget(stages: readonly Stage[], target: string | undefined, file: string): Stage {
  const last = stages.at(-1);
  if (!last) throw new BuildError(file, 'there is no FROM in it');
  if (target === undefined) return last;
  const found = findStage(target, stages);
  const stage = found && typeof found === 'object' && 'stage' in found && stages[found.stage];
  if (stage) return stage;
  const names = stages.map(({ name, index }) => name ?? String(index)).join(', ');
  throw new BuildError(file, `there is no stage ${target}; there are ${names}`);
}
