/**
 * Instructions that change nothing but the image's configuration: each is a function from the
 * configuration so far to the next one.
 *
 * Dockerfile reference; OCI image-spec, config.md, "Properties"
 */
import { posix } from 'node:path';
import type { RunConfig } from '../spec.ts';
import { BuildError } from './build-error.ts';
import type { Instruction, Keyword } from './dockerfile.ts';
import { splitWords } from './expand.ts';
import { readHealthcheck } from './healthcheck.ts';
import { expandIn, readPairs, type Scope } from './scope.ts';

export const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** What runs `instruction` in a shell, unless it has the exec form. */
export function commandOf(config: RunConfig, { exec, text }: Instruction): string[] {
  return exec ? [...exec] : [...(config.Shell ?? DEFAULT_SHELL), text];
}

export const environmentOf = (config: RunConfig): Map<string, string> =>
  new Map((config.Env ?? []).map((entry) => splitOnce(entry)));

type Configure = (config: RunConfig, instruction: Instruction, scope: Scope) => RunConfig;

const CONFIGURE: Partial<Record<Keyword, Configure>> = {
  CMD: (config, instruction) => ({ ...config, Cmd: commandOf(config, instruction) }),
  ENTRYPOINT: (config, instruction) => ({ ...config, Entrypoint: commandOf(config, instruction) }),
  ENV: (config, instruction, scope) => {
    const environment = environmentOf(config);
    for (const { key, value } of readPairs(scope, instruction, { single: true })) {
      environment.set(key, value ?? '');
    }
    return { ...config, Env: [...environment].map(([name, value]) => `${name}=${value}`) };
  },
  EXPOSE: (config, instruction, scope) => {
    const words = splitWords(expandIn(scope, instruction, instruction.text));
    const ports = words.flatMap((word) => readPorts(word, instruction, scope));
    return { ...config, ExposedPorts: { ...config.ExposedPorts, ...keys(ports) } };
  },
  HEALTHCHECK: (config, instruction, { file }) => ({
    ...config,
    Healthcheck: readHealthcheck(instruction, file),
  }),
  LABEL: (config, instruction, scope) => {
    const pairs = readPairs(scope, instruction, { single: true });
    const labels = Object.fromEntries(pairs.map(({ key, value = '' }) => [key, value]));
    return { ...config, Labels: { ...config.Labels, ...labels } };
  },
  ONBUILD: (config, instruction, { file }) => {
    const [word = ''] = instruction.text.split(/\s/);
    if (['FROM', 'ONBUILD', 'MAINTAINER'].includes(word.toUpperCase())) {
      const what = `ONBUILD ${word}: this instruction cannot be a trigger`;
      throw new BuildError(file, what, { line: instruction.line });
    }
    return { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.text] };
  },
  SHELL: (config, { exec, line }, { file }) => {
    if (exec?.[0]) return { ...config, Shell: [...exec] };
    throw new BuildError(file, 'SHELL wants a JSON array such as ["/bin/bash", "-c"]', { line });
  },
  STOPSIGNAL: (config, instruction, scope) => {
    const signal = expandIn(scope, instruction, instruction.text);
    if (/^(SIG)?[A-Z][A-Z0-9+-]*$/i.test(signal) || /^[1-9]\d?$/.test(signal)) {
      return { ...config, StopSignal: signal };
    }
    const what = `STOPSIGNAL ${signal}: neither the name of a signal nor its number`;
    throw new BuildError(scope.file, what, { line: instruction.line });
  },
  USER: (config, instruction, scope) => ({
    ...config,
    User: expandIn(scope, instruction, instruction.text),
  }),
  /** A mark for whoever runs it. What later steps put there goes into the image, as in BuildKit. */
  VOLUME: (config, instruction, scope) => {
    const paths = instruction.exec ?? splitWords(instruction.text, scope.escapeChar);
    const volumes = paths.map((path) => expandIn(scope, instruction, path));
    return { ...config, Volumes: { ...config.Volumes, ...keys(volumes) } };
  },
  WORKDIR: (config, instruction, scope) => ({
    ...config,
    WorkingDir: workingDirectory(config, expandIn(scope, instruction, instruction.text)),
  }),
};

/** A relative one lies in the one before. */
const workingDirectory = (config: RunConfig, path: string) =>
  posix.resolve('/', config.WorkingDir ?? '', path);

/** The next configuration, or null for an instruction that is not of this kind. Throws BuildError. */
export function configure(
  config: RunConfig,
  instruction: Instruction,
  scope: Scope,
): RunConfig | null {
  return CONFIGURE[instruction.keyword]?.(config, instruction, scope) ?? null;
}

function readPorts(word: string, { line }: Instruction, { file }: Scope): string[] {
  const [, low, high = low, protocol = 'tcp'] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
  const [from, to] = [Number(low), Number(high)];
  if (low === undefined || from < 1 || to > 65535 || from > to) {
    throw new BuildError(file, `EXPOSE ${word}: not a port such as 80, 80/udp or 80-90`, { line });
  }
  const ports = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return ports.map((port) => `${port}/${protocol.toLowerCase()}`);
}

const keys = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)];
}
