/** Builds an image in whatever namespaces it is started in; prints what RUN said and the layer's files. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { makeBaseImage } from '../image/base/base.ts';
import { buildImage } from '../image/build/build.ts';
import { chainIds } from '../image/chain-id.ts';
import { openStore } from '../image/store.ts';
import { executeInContainer } from './build-step.ts';

const [directory = '', text = '', network = 'none'] = process.argv.slice(2);
const state = `${directory}/state`;
const context = `${directory}/context`;
mkdirSync(context);
writeFileSync(`${context}/Dockerfile`, text);
const store = await openStore(`${directory}/images`);
await makeBaseImage(store, { state });
const image = await buildImage({
  ...{ store, context, state, execute: executeInContainer },
  network: network === 'host' ? 'host' : 'none',
  onEvent: (event) => {
    if (event.kind === 'output') process.stdout.write(event.chunk);
  },
});
const top = chainIds(image.config.rootfs.diff_ids).at(-1);
const layer = top && (await store.layer(top));
console.log(layer ? readdirSync(layer.diff).join(' ') : 'no layer');
console.log(`${(await store.verify()).length} findings`);
