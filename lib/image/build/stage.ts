/**
 * One stage: from what it begins with to its last instruction.
 */
import type { Digest } from '../spec.ts';
import { BuildError } from './build-error.ts';
import { atLine, type Building, type Made, timeOf } from './building.ts';
import { cacheKey } from './cache.ts';
import { configure } from './configure.ts';
import { copyStep } from './copy-step.ts';
import { type Instruction, parseInstruction } from './dockerfile.ts';
import { chainOf, continueDraft, type Draft, draftFrom, scopeOf, scratchDraft } from './draft.ts';
import { runStep } from './run-step.ts';
import { PROXIES, readPairs } from './scope.ts';
import type { Source, Stage } from './stages.ts';
import { workdirStep } from './workdir-step.ts';

/** `built` are the stages before it, by their number. Throws BuildError with the line. */
export async function buildStage(
  building: Building,
  stage: Stage,
  built: ReadonlyMap<number, Draft>,
): Promise<Draft> {
  const { first, instructions } = stage;
  tellStep(building, first);
  const begun = await atLine(building, first, () => begin(building, stage, built));
  const { OnBuild: triggers = [], ...config } = begun.config;
  let draft: Draft = withProxies(building, { ...begun, config });
  // Triggers of the image come first, and their errors are those of FROM.
  for (const text of triggers) {
    const trigger = { ...parseInstruction(text, building.dockerfile.file), line: first.line };
    draft = await step(building, draft, trigger, stage, built);
  }
  for (const instruction of instructions) {
    draft = await step(building, draft, instruction, stage, built);
  }
  return draft;
}

async function begin(
  { platform, dockerfile, findImage }: Building,
  { from, first }: Stage,
  built: ReadonlyMap<number, Draft>,
): Promise<Draft> {
  if (from === 'scratch') return scratchDraft(platform);
  if ('stage' in from) return continueDraft(built.get(from.stage) ?? scratchDraft(platform));
  const image = await findImage(from.image);
  if (image) return draftFrom(image.config);
  throw new BuildError(dockerfile.file, `FROM ${from.image}: there is no such image`, {
    line: first.line,
    remedy: 'pull or load it first',
  });
}

/** Proxies hold without an ARG. */
function withProxies({ buildArgs }: Building, draft: Draft): Draft {
  const proxies = PROXIES.flatMap((name) => {
    const value = buildArgs[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...draft, arguments: new Map(proxies) };
}

async function step(
  building: Building,
  draft: Draft,
  instruction: Instruction,
  stage: Stage,
  built: ReadonlyMap<number, Draft>,
): Promise<Draft> {
  building.signal?.throwIfAborted();
  tellStep(building, instruction);
  return atLine(building, instruction, async () => {
    switch (instruction.keyword) {
      case 'RUN': {
        const { text, ...made } = await runStep(building, draft, instruction);
        return withLayer(draft, made, text);
      }
      case 'ADD':
      case 'COPY': {
        const layersOf = (from: string) =>
          layersFrom(building, stage.copies.get(from), from, built);
        const { text, ...made } = await copyStep(building, draft, instruction, layersOf);
        return withLayer(draft, made, text);
      }
      case 'WORKDIR':
        return workdir(building, draft, instruction);
      case 'ARG':
        return declare(building, draft, instruction);
      case 'MAINTAINER':
        return describe(building, { ...draft, author: instruction.text }, instruction);
      default:
        return reconfigure(building, draft, instruction);
    }
  });
}

async function layersFrom(
  { findImage }: Building,
  source: Source | undefined,
  from: string,
  built: ReadonlyMap<number, Draft>,
): Promise<readonly Digest[]> {
  if (source && typeof source === 'object' && 'stage' in source) {
    return built.get(source.stage)?.diffIds ?? [];
  }
  const image = await findImage(from);
  if (image) return image.config.rootfs.diff_ids;
  throw new Error(`--from=${from}: there is no such stage or image`);
}

async function workdir(building: Building, draft: Draft, instruction: Instruction): Promise<Draft> {
  const next = reconfigured(building, draft, instruction);
  const path = next.config.WorkingDir ?? '/';
  const made = await workdirStep(building, draft, path);
  return withLayer(next, made, `WORKDIR ${path}`);
}

/** A value from outside comes first, then that of the instruction, then one from before FROM. */
function declare(building: Building, draft: Draft, instruction: Instruction): Promise<Draft> {
  const { buildArgs, usedArgs, plan, dockerfile } = building;
  const scope = scopeOf(draft, dockerfile);
  for (const { key, value } of readPairs(scope, instruction, { single: false })) {
    usedArgs.add(key);
    const given = buildArgs[key] ?? value ?? plan.globals.get(key);
    if (given !== undefined) scope.arguments.set(key, given);
  }
  return describe(building, { ...draft, arguments: scope.arguments }, instruction);
}

function reconfigure(building: Building, draft: Draft, instruction: Instruction): Promise<Draft> {
  return describe(building, reconfigured(building, draft, instruction), instruction);
}

function reconfigured({ dockerfile }: Building, draft: Draft, instruction: Instruction): Draft {
  const config = configure(draft.config, instruction, scopeOf(draft, dockerfile));
  if (!config) throw new Error(`${instruction.keyword} is not carried out`);
  const { keyword } = instruction;
  // The command of the image below was meant for its entry point.
  if (keyword === 'ENTRYPOINT' && !draft.ownCommand) delete config.Cmd;
  return { ...draft, config, ownCommand: draft.ownCommand || keyword === 'CMD' };
}

/** A step without a layer. Its time is kept, so that the same image has the same id again. */
async function describe(
  building: Building,
  draft: Draft,
  { keyword, text, flags }: Instruction,
): Promise<Draft> {
  const words = flags.map(({ name, value }) =>
    value === null ? `--${name}` : `--${name}=${value}`,
  );
  const by = [keyword, ...words, text].join(' ');
  const key = cacheKey('configuration', chainOf(draft), draft.config, draft.author ?? '', by);
  const known = building.epoch === undefined ? await building.cache.find(key) : null;
  const created = known?.created ?? timeOf(building);
  if (!known) building.cache.keep(key, { chainId: null, created });
  const entry = { created, created_by: by, empty_layer: true };
  return { ...draft, history: [...draft.history, entry] };
}

function withLayer(draft: Draft, { layer, created }: Made, by: string): Draft {
  const entry = { created, created_by: by, ...(layer ? {} : { empty_layer: true }) };
  const history = [...draft.history, entry];
  return { ...draft, history, diffIds: layer ? [...draft.diffIds, layer.diffId] : draft.diffIds };
}

function tellStep({ plan, tell }: Building, instruction: Instruction): void {
  const all = plan.stages.flatMap(({ first, instructions }) => [first, ...instructions]);
  const index = all.findIndex(({ line }) => line === instruction.line);
  const { line, keyword, text } = instruction;
  tell({ kind: 'step', number: index + 1, of: all.length, line, text: `${keyword} ${text}` });
}
