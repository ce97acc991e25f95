/**
 * Unpacks one layer in a process of its own, so that its memory is its own: `layer` or `store`, a tar,
 * an empty directory. Prints seconds without the start of the process, and megabytes.
 */
import { createReadStream } from 'node:fs';
import { openStore } from '../../lib/image/store.ts';
import { unpackLayer } from '../../lib/image/unpack-layer.ts';

const [, , how, tar = '', root = ''] = process.argv;
const peak = () => Math.round(process.resourceUsage().maxRSS / 1024);
const before = peak();
const stream = createReadStream(tar, { highWaterMark: 256 * 1024 });
const begin = performance.now();
let entries: number | undefined;
if (how === 'store') await (await openStore(root)).addLayer({ parent: null, stream });
else ({ entries } = await unpackLayer(stream, root));
const seconds = (performance.now() - begin) / 1000;
console.log(JSON.stringify({ seconds, before, peak: peak(), entries }));
