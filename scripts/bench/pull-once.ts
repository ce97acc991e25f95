/** Pulls an image into a store in a process of its own; prints the megabytes that this took. */
import { pull } from '../../lib/image/registry/pull.ts';
import { openStore } from '../../lib/image/store.ts';

const [, , name = '', directory = ''] = process.argv;
await pull(await openStore(directory), name);
console.log(Math.round(process.resourceUsage().maxRSS / 1024));
