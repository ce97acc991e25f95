/**
 * A guest that has lost Node, npm and the project's packages is provisioned anew, from a registry
 * whose certificate only the host's own store knows. The registry listens on the address that the
 * host has in the guest's network.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Result } from '../results.ts';
import { filesOf, ownDirectory, PROJECT } from './machines.ts';
import { type Guest, readGuest } from './ssh.ts';
import { takeTurn } from './turn.ts';
import { runVagrant } from './vagrant.ts';

/** A package as `npm pack --json` tells of it. */
export interface Packed {
  name: string;
  version: string;
  integrity: string;
  filename: string;
}

const PORT = 4873;
const SERVER = fileURLToPath(new URL('registry.fixture.ts', import.meta.url));

/** Every claim that did not hold is a reason of the result. */
export async function checkProvisioning(guest: Guest, signal: AbortSignal): Promise<Result> {
  const began = Date.now();
  const directory = mkdtempSync(join(tmpdir(), 'unboxed-registry-'));
  const failed: string[] = [];
  let passed = 0;
  const claim = (holds: boolean, text: string) => {
    if (holds) passed += 1;
    else failed.push(`failed: ${text}`);
  };
  const ask = (command: string) =>
    readGuest(guest, command).then(
      (text) => text.trim(),
      (error) => (error as Error).message,
    );
  let server: ChildProcess | undefined;
  try {
    const address = await ask("ip -4 route show default | sed 's/.* via //; s/ .*//'");
    const url = `https://${address}:${PORT}/`;
    await packPackages(directory);
    await makeCertificates(directory, address);
    server = await serve(guest, directory, address);
    await readGuest(guest, LOSE);
    claim(/certificate/.test(await ask(`curl -sS ${url}npm`)), 'the guest does not know it before');
    await provision(guest, directory, url, signal);
    const pinned = JSON.parse(readFileSync(join(PROJECT, 'scripts/node/package.json'), 'utf8'));
    claim((await ask('node --version')) === `v${pinned.version}`, 'Node is the pinned one');
    claim(/^\d+\./.test(await ask('npm --version')), 'npm is there');
    const load = 'node -e "import(\'/unboxed/node_modules/koffi/index.js\')" && echo loads';
    claim((await ask(load)) === 'loads', "the project's packages are there");
    const fetch = `node -e "fetch('${url}npm').then((answer) => console.log(answer.status))"`;
    claim((await ask(fetch)) === '200', 'Node trusts the registry in a new shell');
    claim((await ask(`sudo ${fetch}`)) === '200', 'and so it does as root');
    claim((await ask('npm config get registry')) === url.slice(0, -1), 'npm asks that registry');
    await ask('while systemctl is-active -q unboxed-certificates; do sleep 1; done');
    claim((await ask(`curl -sS -o /dev/null ${url}npm && echo 0`)) === '0', 'the store has it');
    await readGuest(guest, FORGET);
  } finally {
    server?.kill();
    rmSync(directory, { recursive: true, force: true });
  }
  const seconds = (Date.now() - began) / 1000;
  const test = 'provisioning from a registry of its own';
  return { test, passed, failed: failed.length, skipped: 0, reasons: failed, seconds };
}

const LOSE = `sudo rm -rf /usr/local/bin/node /usr/local/bin/npm /usr/local/bin/npx \
  /usr/local/lib/node_modules /opt/unboxed/packages /unboxed/node_modules`;

/** The registry is gone soon; what the guest remembers of it would only mislead. */
const FORGET = `sudo sed -i /^registry=/d /usr/local/etc/npmrc`;

/** What the guest needs: Node, npm, and what package-lock.json asks for apart from development. */
async function packPackages(directory: string): Promise<void> {
  const wanted = new Set<string>();
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  for (const folder of ['.', 'scripts/node', 'vagrant/guest']) {
    const text = readFileSync(join(PROJECT, folder, 'package-lock.json'), 'utf8');
    const packages: Record<string, LockEntry> = JSON.parse(text).packages;
    for (const [path, entry] of Object.entries(packages)) {
      const foreign = entry.cpu && !entry.cpu.includes(arch);
      const other = entry.os && !entry.os.includes('linux');
      if (path === '' || entry.dev || entry.inBundle || foreign || other) continue;
      wanted.add(`${entry.name ?? path.replace(/^.*node_modules\//, '')}@${entry.version}`);
    }
  }
  const { stdout } = await execa('npm', ['pack', '--json', '--ignore-scripts', ...wanted], {
    cwd: directory,
    stdin: 'ignore',
  });
  const listed: Packed[] | Record<string, Packed> = JSON.parse(stdout);
  writeFileSync(join(directory, 'index.json'), JSON.stringify(Object.values(listed)));
}

interface LockEntry {
  name?: string;
  version: string;
  dev?: boolean;
  inBundle?: boolean;
  cpu?: string | string[];
  os?: string | string[];
}

/** An authority and a certificate of it for the address. */
async function makeCertificates(directory: string, address: string): Promise<void> {
  const openssl = (...args: string[]) => execa('openssl', args, { cwd: directory });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const ca = ['-subj', '/CN=unboxed test', '-keyout', 'ca-key.pem', '-out', 'ca.pem'];
  await openssl('req', '-x509', ...key, '-days', '2', ...ca);
  const own = ['-subj', `/CN=${address}`, '-keyout', 'key.pem', '-out', 'cert.pem'];
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem'];
  const named = ['-addext', `subjectAltName=IP:${address}`];
  await openssl('req', '-x509', ...key, '-days', '2', ...signed, ...named, ...own);
}

async function serve(guest: Guest, directory: string, address: string): Promise<ChildProcess> {
  const words = [...guest.setup.enter, process.execPath, SERVER, directory, address, String(PORT)];
  const [file = '', ...args] = words;
  const server = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([once(server.stdout ?? server, 'data'), once(server, 'exit')]);
  if (server.exitCode !== null) throw new Error(`the registry ended with ${server.exitCode}`);
  return server;
}

/** As a host does whose registry has a certificate of its own. */
async function provision(
  { machine, setup }: Guest,
  directory: string,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const turn = await takeTurn(ownDirectory(), () => {});
  const env = {
    ...setup.env,
    NODE_EXTRA_CA_CERTS: join(directory, 'ca.pem'),
    npm_config_registry: url,
  };
  try {
    await runVagrant({
      setup: { ...setup, env },
      args: ['provision', machine],
      log: filesOf(machine).log,
      turns: [turn],
      onLine: () => {},
      signal,
    });
  } finally {
    turn.release();
  }
}
