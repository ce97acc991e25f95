/**
 * A program of its own: exchanges two names until it is killed, and prints a line when it has begun.
 *
 *   node exchange.ts ONE OTHER
 */
import { writeSync } from 'node:fs';
import { kernel } from '../../lib/kernel/call.ts';
import { AT_FDCWD, RENAME_EXCHANGE } from '../../lib/kernel/constants.ts';

const [one = '', other = ''] = process.argv.slice(2);

const exchange = () => kernel.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);

exchange();
writeSync(1, 'begun\n');
for (;;) exchange();
