/**
 * An effect as the line that one could type into a shell to have the same: for explaining what a
 * runtime does on the host, and for error messages. nsenter(1), mount(8)
 */
import {
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  MS_REMOUNT,
  MS_SHARED,
  MS_SLAVE,
} from '../kernel/constants.ts';
import { flagSets, formatFlags } from '../kernel/flags.ts';
import { NAMESPACE_FILES } from '../observe/namespaces.ts';
import type { Action, Effect, Inside } from './action.ts';

/** One shell line for each effect. */
export const formatAction = ({ does }: Pick<Action, 'does'>): string[] => does.map(formatEffect);

export function formatEffect(effect: Effect): string {
  switch (effect.do) {
    case 'mkdir':
      return words('mkdir', '-p', ...modeOption(effect.mode), effect.path);
    case 'remove':
      return words('rm', '-rf', '--one-file-system', effect.path);
    case 'write':
      return `${echo(effect.text)} > ${quote(effect.path)}`;
    case 'mount':
      return formatMount(effect);
    case 'fsmount':
      return formatSteps(effect);
    case 'unmount':
      return words('umount', '--lazy', effect.path);
    case 'run':
      return formatCommand(effect.argv, effect.inside, effect.input);
    case 'remove-cgroups':
      return formatRemoveCgroups(effect.paths, effect.parents);
    case 'hand-down': {
      const text = echo(`${effect.controllers.map((name) => `+${name}`).join(' ')}\n`);
      const files = [effect.top, effect.base].map((path) => `${path}/cgroup.subtree_control`);
      return files.map((file) => `${text} > ${quote(file)}`).join('; ');
    }
    case 'take-back':
      return `${words('rmdir', effect.base)} && echo '-…' > ${quote(`${effect.top}/cgroup.subtree_control`)}`;
    case 'move-processes': {
      const [from, to] = [effect.from, effect.to].map((path) => quote(`${path}/cgroup.procs`));
      return `for pid in $(cat ${from}); do echo $pid > ${to}; done`;
    }
    case 'attach-device-program': {
      const count = Buffer.from(effect.program, 'base64').length / 8;
      return `${words('bpftool', 'cgroup', 'attach', effect.path, 'cgroup_device')} … # ${count} instructions`;
    }
    case 'end-processes':
      return `kill -KILL $(grep -lzx ${quote(`container=${effect.container}`)} /proc/[0-9]*/environ | cut -d/ -f3)`;
  }
}

/** `echo … | nsenter --net=/proc/4711/ns/net ip link set eth0 up`. */
export function formatCommand(argv: readonly string[], inside?: Inside, input?: string): string {
  const join = inside?.namespaces.map((namespace) => {
    const file = NAMESPACE_FILES[namespace];
    return `--${namespace === 'network' ? 'net' : namespace}=/proc/${inside.pid}/ns/${file}`;
  });
  const command = words(...(join ? ['nsenter', ...join] : []), ...argv);
  return input === undefined ? command : `${echo(input)} | ${command}`;
}

function formatRemoveCgroups(paths: readonly string[], parents: readonly string[]): string {
  const all = words(...paths);
  return [
    `find ${all} -name cgroup.procs -exec cat {} + | xargs -r kill -KILL`,
    `find ${all} -depth -type d -exec rmdir {} \\;`,
    ...(parents.length > 0 ? [words('rmdir', '--ignore-fail-on-non-empty', ...parents)] : []),
  ].join('; ');
}

const PROPAGATION = new Map([
  [MS_PRIVATE, 'private'],
  [MS_SLAVE, 'slave'],
  [MS_SHARED, 'shared'],
]);

function formatMount(effect: Extract<Effect, { do: 'mount' }>): string {
  const { source, target, fstype, flags, data } = effect;
  const recursive = flags & MS_REC ? 'r' : '';
  for (const [flag, name] of PROPAGATION) {
    if (flags & flag) return words('mount', `--make-${recursive}${name}`, target);
  }
  const rest = formatFlags(flagSets.mount, flags & ~(MS_BIND | MS_REC | MS_REMOUNT));
  const named = rest === '0' ? [] : rest.split('|').map((flag) => flag.slice(3).toLowerCase());
  if (flags & MS_REMOUNT) named.unshift('remount');
  const options = [...named.map((name) => (name === 'rdonly' ? 'ro' : name)), data ?? ''];
  const list = options.filter((option) => option !== '').join(',');
  return words(
    'mount',
    ...(flags & MS_BIND ? [`--${recursive}bind`] : []),
    ...(fstype === null ? [] : ['-t', fstype]),
    ...(list === '' ? [] : ['-o', list]),
    ...(source === null ? [] : [source]),
    target,
  );
}

/** As mount(8) of util-linux 2.39 and later takes it, which makes the same calls of it. */
function formatSteps({
  fstype,
  target,
  options,
  attributes = 0,
}: Extract<Effect, { do: 'fsmount' }>) {
  const rest = formatFlags(flagSets.mountAttr, attributes);
  const named = rest === '0' ? [] : rest.split('|').map((flag) => flag.slice(11).toLowerCase());
  const pairs = options.map(([key, value]) => (value === null ? key : `${key}=${value}`));
  const list = [...named.map((name) => (name === 'rdonly' ? 'ro' : name)), ...pairs];
  return words('mount', '-t', fstype, '-o', list.join(','), fstype, target);
}

const modeOption = (mode: number | undefined) =>
  mode === undefined ? [] : ['-m', mode.toString(8).padStart(4, '0')];

/** What prints `text` in every shell, its last newline or lack of one included. */
function echo(text: string): string {
  const line = text.endsWith('\n') ? text.slice(0, -1) : text;
  if (/[\n\\]/.test(line) || line === text) return `printf %s ${quote(text)}`;
  return `echo ${quote(line)}`;
}

const words = (...argv: string[]) => argv.map(quote).join(' ');

const quote = (word: string) =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
