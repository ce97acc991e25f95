/**
 * COPY and ADD: files of the context, of an earlier stage or of an image, put into a layer.
 *
 * Dockerfile reference, "COPY", "ADD"
 */
import { posix } from 'node:path';
import { overlayAction } from '../../overlay/mount.ts';
import { plainOptions, usableForm } from '../../overlay/plan.ts';
import { chainIds } from '../chain-id.ts';
import type { Digest } from '../spec.ts';
import { findUser } from '../user.ts';
import { addItems } from './add.ts';
import { BuildError } from './build-error.ts';
import { type Building, type Made, makeOrFind } from './building.ts';
import type { Ground } from './change.ts';
import type { Instruction } from './dockerfile.ts';
import { IGNORES_NOTHING } from './dockerignore.ts';
import { type Draft, scopeOf } from './draft.ts';
import { heredocItems } from './heredoc-files.ts';
import { type Placing, placeItems } from './place.ts';
import { expandIn, type Scope } from './scope.ts';
import { type Item, type Origin, SelectionError, selectItems } from './selection.ts';
import { digestItems } from './selection-digest.ts';
import { fetchItems, isUrl } from './url.ts';

const FLAGS = { COPY: ['from', 'chown', 'chmod'], ADD: ['chown', 'chmod', 'checksum'] };

export interface Wanted {
  sources: string[];
  destination: string;
  flags: ReadonlyMap<string, string>;
}

/** Layers by stage number or image name, bottom first. */
export type LayersOf = (from: string) => Promise<readonly Digest[]>;

export async function copyStep(
  building: Building,
  draft: Draft,
  instruction: Instruction,
  layersOf: LayersOf,
): Promise<Made & { text: string }> {
  const scope = scopeOf(draft, building.dockerfile);
  const wanted = readWanted(scope, draft, instruction);
  const { flags, sources, destination } = wanted;
  const from = flags.get('from');
  const text = `${instruction.keyword} ${[
    ...[...flags].map(([name, value]) => `--${name}=${value}`),
    ...sources,
    destination,
  ].join(' ')}`;
  const made =
    from === undefined
      ? await fromContext(building, draft, instruction, wanted)
      : await fromLayers(building, draft, wanted, { from, layers: await layersOf(from) });
  return { ...made, text };
}

async function fromContext(
  building: Building,
  draft: Draft,
  instruction: Instruction,
  wanted: Wanted,
): Promise<Made> {
  const { keyword } = instruction;
  const { destination, flags } = wanted;
  using downloads = new DisposableStack();
  const scope = scopeOf(draft, building.dockerfile);
  const texts = heredocItems(instruction, scope, downloads);
  const fetched = keyword === 'ADD' ? await fetchItems(wanted, downloads, building.signal) : [];
  const asTheyAre = [...texts, ...fetched];
  const items = [...asTheyAre, ...localItems(building.context, keyword, wanted)];
  const placing = placingOf(building, wanted, { uid: 0, gid: 0 });
  const content = await digestItems(items, placing);
  const parts = [keyword, content, destination, flags.get('chown') ?? '', flags.get('chmod') ?? ''];
  // Awaited here: the downloads have to be there until then.
  return await makeOrFind(building, draft, parts, {
    init: false,
    change: async (ground) => {
      const chown = ownerIn(ground.root, wanted);
      const placed = { ...placing, owner: chown ?? placing.owner };
      if (keyword === 'COPY') placeItems(ground.root, items, placed);
      else {
        const kept = new Set(asTheyAre);
        await addItems(ground, items, { ...placed, asTheyAre: kept, chown: chown !== null });
      }
      return undefined;
    },
  });
}

function localItems(context: Origin, keyword: string, { sources, destination }: Wanted): Item[] {
  const local = sources.filter(
    (source) => !source.startsWith('<<') && !(keyword === 'ADD' && isUrl(source)),
  );
  return local.length > 0 ? selectItems(context, local, destination) : [];
}

/** The layers' chain stands for their content, so that nothing has to be read to know it. */
async function fromLayers(
  building: Building,
  draft: Draft,
  wanted: Wanted,
  { from, layers }: { from: string; layers: readonly Digest[] },
): Promise<Made> {
  const chain = chainIds(layers).at(-1);
  const { sources, destination, flags } = wanted;
  if (chain === undefined) throw new SelectionError(`${from} has no files to copy from`);
  const rest = [...flags].filter(([name]) => name !== 'from');
  return makeOrFind(building, draft, ['COPY --from', chain, sources, destination, rest], {
    init: false,
    change: async (ground) => {
      const origin = await mountLayers(building, ground, chain, from);
      const items = selectItems(origin, sources, destination);
      placeItems(ground.root, items, placingOf(building, wanted, ownerIn(ground.root, wanted)));
      return undefined;
    },
  });
}

/** An empty directory on top, for an overlay wants two layers. */
async function mountLayers(
  { store }: Building,
  { host }: Ground,
  chain: Digest,
  what: string,
): Promise<Origin> {
  const [target, empty] = [`${host.directory}/from`, `${host.directory}/empty-top`];
  await host.do({
    name: 'directories to copy from',
    does: [target, empty].map((path) => ({ do: 'mkdir', path }) as const),
    undoes: [],
    seen: { path: target },
  });
  const lowers = [empty, ...(await store.lowerdirs(chain))];
  await host.do(overlayAction({ lowers, target, options: plainOptions(usableForm()) }));
  return { root: target, ignore: IGNORES_NOTHING, what };
}

const ownerIn = (root: string, { flags }: Wanted): Placing['owner'] => {
  const chown = flags.get('chown');
  if (chown === undefined) return null;
  const { uid, gid } = findUser(root, chown);
  // A uid that stands alone is also the group's number.
  return /^\d+$/.test(chown) ? { uid, gid: uid } : { uid, gid };
};

const placingOf = (
  { tell }: Building,
  { destination, flags }: Wanted,
  owner: Placing['owner'],
): Placing => {
  const chmod = flags.get('chmod');
  return {
    ...{ destination, owner },
    mode: chmod === undefined ? null : Number.parseInt(chmod, 8),
    warn: (text) => tell({ kind: 'warning', text }),
  };
};

/** Throws BuildError. */
function readWanted(scope: Scope, draft: Draft, instruction: Instruction): Wanted {
  const { keyword, line, exec, text } = instruction;
  const refuse = (what: string) => new BuildError(scope.file, `${keyword} ${what}`, { line });
  const words = (exec ?? text.split(/\s+/)).map((word) => expandIn(scope, instruction, word));
  const destination = words.at(-1) ?? '';
  if (words.length < 2) throw refuse(`${text}: a source and a destination have to follow`);
  const flags = new Map<string, string>();
  for (const { name, value } of instruction.flags) {
    // Layers are always made apart from those below, which is what --link asks for.
    if (name === 'link') continue;
    const known = FLAGS[keyword as keyof typeof FLAGS];
    if (!known.includes(name)) {
      const list = known.map((flag) => `--${flag}`).join(', ');
      throw refuse(`--${name}: not known here; known are ${list}`);
    }
    flags.set(name, expandIn(scope, instruction, value ?? ''));
  }
  const chmod = flags.get('chmod');
  if (chmod !== undefined && !/^[0-7]{1,4}$/.test(chmod)) {
    throw refuse(`--chmod=${chmod}: an octal number such as 755`);
  }
  const absolute = posix.resolve('/', draft.config.WorkingDir ?? '/', destination);
  const isDirectory = /(^|\/)\.?$/.test(destination) && absolute !== '/';
  return {
    sources: words.slice(0, -1),
    destination: isDirectory ? `${absolute}/` : absolute,
    flags,
  };
}
