/**
 * An install that is either done or not: `npm ci` works in a staging folder, and only its finished
 * node_modules takes the place of the old one. So Ctrl-C, a kill or a lost network leaves what was
 * there before, and programs that run meanwhile keep their packages. `npm ci` checks every package
 * against the hash in package-lock.json.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { giveToOwner, takeTurn } from './turn.mjs';

/** Something that the kit needs could not be brought. `exitCode` is the one to end with. */
export class InstallError extends Error {
  constructor(message, exitCode = 3, cause = undefined) {
    super(message, { cause });
    this.name = 'InstallError';
    this.exitCode = exitCode;
  }
}

/**
 * Brings `folder`'s node_modules in line with its package-lock.json, unless another process does
 * so while this one waits for its turn. `missing` says what is still missing. Throws InstallError.
 */
export async function install(folder, { missing, omitDev, say, purpose, size }) {
  const turn = await takeTurn(folder, say).catch((error) => {
    throw new InstallError(
      `cannot write to ${folder} to install ${purpose} (${error.code})`,
      3,
      error,
    );
  });
  try {
    if (missing().length === 0) return;
    say(`installing ${purpose} (${size}) …`);
    const stage = join(turn.folder, 'stage');
    mkdirSync(stage);
    for (const file of ['package.json', 'package-lock.json']) {
      copyFileSync(join(folder, file), join(stage, file));
    }
    await runNpm(stage, omitDev, turn, purpose);
    giveToOwner(stage, folder);
    swap(join(stage, 'node_modules'), join(folder, 'node_modules'), join(turn.folder, 'old'));
  } finally {
    turn.release();
  }
  const left = missing();
  if (left.length > 0) {
    throw new InstallError(
      `npm ended well but ${left[0]} is not there; try: cd ${folder} && npm ci`,
    );
  }
}

/** Runs `npm ci` in `stage`. A signal goes on to npm and becomes an InstallError with 128 + n. */
async function runNpm(stage, omitDev, turn, purpose) {
  const args = ['ci', omitDev ? '--omit=dev' : '--include=dev', '--include=optional'];
  args.push('--prefix', stage, '--no-audit', '--no-fund', '--loglevel=error');
  const windows = process.platform === 'win32';
  const npm = spawn('npm', args, {
    cwd: stage,
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: windows,
  });
  let told = '';
  npm.stderr.setEncoding('utf8').on('data', (text) => {
    told += text;
  });
  if (npm.pid !== undefined) turn.share(npm.pid);
  let interrupted;
  const forward = (signal) => {
    interrupted = signal;
    npm.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  try {
    const [code, signal] = await once(npm, 'close');
    const stopped = interrupted ?? signal;
    if (stopped) {
      throw new InstallError(
        `the install was stopped by ${stopped}; the next run does it again`,
        128 + constants.signals[stopped],
      );
    }
    if (code !== 0) {
      throw new InstallError(
        `npm could not install ${purpose}: ${reason(told, code)}; connect to the network if there is none, or run "npm ci" to see all of it`,
      );
    }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new InstallError(
      `${purpose} are missing, and npm is not on PATH to install them; install npm (it comes with Node)`,
      3,
      error,
    );
  } finally {
    for (const signal of signals) process.removeListener(signal, forward);
  }
}

/** npm's own words for what went wrong, in one line: its error code and first sentence. */
function reason(told, code) {
  const lines = told
    .split('\n')
    .map((line) => /^npm (?:error|ERR!) (?!A complete log)(.*\S)/.exec(line)?.[1])
    .filter((line) => line !== undefined && !/^(?:syscall|errno|path|network This)/.test(line));
  return lines.slice(0, 2).join(', ').slice(0, 300) || `exit code ${code}`;
}

function swap(fresh, current, old) {
  mkdirSync(fresh, { recursive: true });
  if (existsSync(current)) renameSync(current, old);
  renameSync(fresh, current);
}
