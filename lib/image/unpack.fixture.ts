/** Unpacks the tar named first into the directory named next; prints what was left out. */
import { createReadStream } from 'node:fs';
import { unpackLayer } from './unpack-layer.ts';

const [, , tar = '', root = ''] = process.argv;
const { omitted } = await unpackLayer(createReadStream(tar), root);
console.log(JSON.stringify(omitted));
