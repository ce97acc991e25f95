/**
 * Node keeps what it has compiled, TypeScript without its types among it: most of a lab's start is
 * that. https://nodejs.org/api/module.html#module-compile-cache
 */
import { statSync } from 'node:fs';
import * as module from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * From here on this process and those that it starts keep it in the user's cache directory. Under
 * sudo the home may be another user's, who could not clear away there what root has written: then
 * nothing is kept. $NODE_COMPILE_CACHE, where it is set, holds as it is.
 */
export function keepCompiled() {
  const { NODE_COMPILE_CACHE, UNBOXED_CACHE, XDG_CACHE_HOME } = process.env;
  if (NODE_COMPILE_CACHE !== undefined || !isOwn(homedir())) return;
  const cache = UNBOXED_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'unboxed');
  process.env.NODE_COMPILE_CACHE = join(cache, 'compiled');
  module.enableCompileCache?.(process.env.NODE_COMPILE_CACHE);
}

function isOwn(directory) {
  try {
    return statSync(directory).uid === process.getuid?.();
  } catch {
    return false;
  }
}
