/**
 * WebAssembly without its second compiler, in the process that imports this. Node takes the types
 * out of TypeScript in WebAssembly, and is done before optimized code would pay: a start takes a
 * third less processor time this way. On an emulated processor V8 also aborts now and then while
 * it changes from one tier to the other (in Runtime_WasmTriggerTierUp, with Node 24.21).
 */
import { setFlagsFromString } from 'node:v8';

// What --liftoff-only would set; once V8 runs, a flag does not bring others along.
for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
