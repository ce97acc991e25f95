/**
 * Prints which of V8's compilers a hot WebAssembly function is from in the end, here and in a
 * child: `baseline baseline`.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';

/** (func (export "f") (param i32) (result i32)) that counts its argument down to 0. */
const COUNTING_DOWN = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01],
  ...[0x7f, 0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00, 0x0a, 0x12, 0x01],
  ...[0x10, 0x00, 0x03, 0x40, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x20],
  ...[0x00, 0x0b],
];

setFlagsFromString('--allow-natives-syntax');
const isLiftoff = new Function('f', 'return %IsLiftoffFunction(f)');
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(COUNTING_DOWN)));
let found = 'baseline';
// More than V8 waits for before it compiles again, and time for that.
for (let i = 0; i < 100 && found === 'baseline'; i++) {
  exports.f(10_000_000);
  await setTimeout(5);
  if (!isLiftoff(exports.f)) found = 'optimized';
}
const [child] = process.argv.slice(2);
if (child) console.log(found);
else
  console.log(
    found,
    execFileSync(process.execPath, [import.meta.filename, 'child'], { encoding: 'utf8' }).trim(),
  );
