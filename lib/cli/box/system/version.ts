/**
 * `box version` and `box info`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import type { Command } from 'commander';
import type { Struct } from '../../template/values.ts';
import { RUNTIME_SPEC, VERSION } from '../../version.ts';
import { rootOf } from '../globals.ts';

const GOARCH: Record<string, string> = { x64: 'amd64', ia32: '386' };
const architecture = () => GOARCH[arch()] ?? arch();

export async function showVersion({ format }: { format?: string }): Promise<void> {
  const { bun, node } = process.versions;
  const own = {
    Version: VERSION,
    Os: 'linux',
    Arch: architecture(),
    KernelVersion: release(),
    Engine: bun === undefined ? `Node ${node}` : `Bun ${bun}`,
  };
  // There is no daemon: both halves of what Docker prints are this program.
  const version = { Client: own, Server: own };
  if (format !== undefined) return printFormatted(version, format);
  printFields({
    Version: own.Version,
    'OS/Arch': `${own.Os}/${own.Arch}`,
    'Kernel Version': own.KernelVersion,
    'Runs on': own.Engine,
  });
}

export async function showInfo({ format }: { format?: string }, command: Command): Promise<void> {
  const root = rootOf(command);
  const { detectCgroups } = await import('../../../observe/cgroups.ts');
  const { layout } = detectCgroups();
  const info = {
    Images: await countImages(root),
    Driver: 'overlay2',
    KernelVersion: release(),
    OperatingSystem: distribution(),
    OSType: 'linux',
    Architecture: architecture(),
    NCPU: cpus().length,
    MemTotal: totalmem(),
    Name: hostname(),
    BoxRootDir: root,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: layout === 'v2' ? '2' : layout === 'none' ? '' : '1',
    CgroupLayout: layout,
    DefaultRuntime: 'box-runtime',
    RuntimeVersion: VERSION,
    RuntimeSpec: RUNTIME_SPEC,
    ServerVersion: VERSION,
  };
  if (format !== undefined) return printFormatted(info, format);
  printFields({
    Images: info.Images,
    'Server Version': info.ServerVersion,
    'Storage Driver': info.Driver,
    'Cgroup Driver': info.CgroupDriver,
    'Cgroup Version': `${info.CgroupVersion || 'none'} (${layout})`,
    'Default Runtime': `${info.DefaultRuntime} ${info.RuntimeVersion}, specification ${info.RuntimeSpec}`,
    'Kernel Version': info.KernelVersion,
    'Operating System': info.OperatingSystem,
    Architecture: info.Architecture,
    CPUs: info.NCPU,
    'Total Memory': await sizeOf(info.MemTotal),
    Name: info.Name,
    'Box Root Dir': info.BoxRootDir,
  });
}

/** Looking makes no store. */
async function countImages(root: string): Promise<number> {
  if (!existsSync(root)) return 0;
  const { openStore } = await import('../../../image/store.ts');
  return (await (await openStore(root)).images()).length;
}

const sizeOf = async (bytes: number) =>
  (await import('../../output/units.ts')).formatSize(bytes, 4);

/** os-release(5) */
function distribution(): string {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((each) => existsSync(each));
  const text = path === undefined ? '' : readFileSync(path, 'utf8');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux';
}

function printFields(fields: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(fields)) process.stdout.write(`${name}: ${value}\n`);
}

async function printFormatted(value: Struct, format: string): Promise<void> {
  const { formatOne } = await import('../../output/listing.ts');
  process.stdout.write(formatOne(value, format));
}
