/** Gives the image, in the store named first, fifteen names that begin as the last argument says. */
import type { Digest } from './spec.ts';
import { openStore } from './store.ts';

const [, , directory = '', id, name] = process.argv;
const store = await openStore(directory);
for (let i = 0; i < 15; i++) await store.tag(id as Digest, `${name}:${i}`);
