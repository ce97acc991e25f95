/**
 * The first program of every npm script: it brings what is missing and then runs a script.
 *
 *   node scripts/bootstrap.mjs [--dev] script.ts arguments…
 *
 * It runs on any Node from 18 on and imports nothing but Node's own modules, because it is there
 * before they are. Without --dev it brings only what a lab needs. Exit codes are the script's own;
 * 2 for a wrong call, 3 when something is missing and could not be brought.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keepCompiled } from './bootstrap/compiled.mjs';
import { InstallError, install } from './bootstrap/install.mjs';
import { isPinnedNode, linkPinnedNode, pinnedNode } from './bootstrap/node.mjs';
import { missingPackages } from './bootstrap/packages.mjs';
import { startHere, startWith } from './bootstrap/start.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dev = process.argv[2] === '--dev';
const [script, ...args] = process.argv.slice(dev ? 3 : 2);

if (script === undefined || !existsSync(join(root, script))) {
  const what = script === undefined ? 'no script named' : `there is no ${script}`;
  stop(2, `${what}; usage: node scripts/bootstrap.mjs [--dev] script.ts arguments…`);
}

try {
  keepCompiled();
  await bringPackages();
  if (isPinnedNode(root)) linkPinnedNode(root);
  const node = ownNodeWillDo() ? undefined : await pinnedNode(root, say);
  if (node === undefined) await startHere(join(root, script), args);
  else process.exitCode = await startWith(node, join(root, script), args);
} catch (error) {
  if (!(error instanceof InstallError)) throw error;
  stop(error.exitCode, error.message);
}

/** Installs what package-lock.json asks for and node_modules has not; otherwise does nothing. */
async function bringPackages() {
  const missing = () => missingPackages(root, { dev });
  if (missing().length === 0) return;
  await install(root, {
    missing,
    omitDev: !dev,
    say,
    purpose: dev ? 'the packages that tests and checks need' : 'the packages that a lab needs',
    size: dev ? 'about 87 MB to download' : 'about 8 MB to download',
  });
}

/** Whether the Node that runs this is one that package.json's `engines` accepts. */
function ownNodeWillDo() {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Number.parseInt(process.versions.node, 10) >= Number(/\d+/.exec(engines.node)?.[0]);
}

/** One line on standard error: standard output belongs to the script (`--json`). */
function say(line) {
  process.stderr.write(`unboxed: ${line}\n`);
}

function stop(exitCode, line) {
  say(line);
  process.exit(exitCode);
}
