/**
 * Who a container runs as: names are looked up in the image's own files, never in the host's.
 * `USER` of the Dockerfile reference, `User` of the OCI image-spec, config.md; passwd(5), group(5)
 */
import { ImageError } from './image-error.ts';
import { readInRoot } from './in-root.ts';

export interface User {
  uid: number;
  gid: number;
  /** Further groups. */
  groups: number[];
  home: string;
}

/**
 * `name`, `uid`, `name:group`, `uid:gid`, or nothing for root, in the root file system `root`. A uid
 * that has no entry is in group 0. Throws ImageError for a name that is not there.
 */
export function findUser(root: string, user: string): User {
  const [name = '', group] = user.split(':');
  const entries = readTable(root, '/etc/passwd');
  const wanted = name === '' ? '0' : name;
  const entry =
    entries.find(([login]) => login === wanted) ??
    entries.find(([, , uid]) => uid === wanted && isNumber(wanted));
  if (!entry && !isNumber(wanted)) throw missing(user, 'user', name, '/etc/passwd');
  const [login, , uid = wanted, gid = '0', , home = ''] = entry ?? [];
  const groups = readTable(root, '/etc/group');
  if (group !== undefined && group !== '') {
    const gidOfGroup = findGroup(groups, group) ?? (isNumber(group) ? group : undefined);
    if (gidOfGroup === undefined) throw missing(user, 'group', group, '/etc/group');
    return { uid: Number(uid), gid: Number(gidOfGroup), groups: [], home: home || '/' };
  }
  const further = groups.filter(([, , , members = '']) =>
    members.split(',').some((member) => member !== '' && member === login),
  );
  return {
    uid: Number(uid),
    gid: Number(gid),
    groups: further.map(([, , id]) => Number(id)).filter((id) => id !== Number(gid)),
    home: home || '/',
  };
}

const findGroup = (groups: readonly string[][], name: string) =>
  groups.find(([group]) => group === name)?.[2];

/** What fits into a uid_t, without its last value, which means "unchanged". */
const isNumber = (text: string) => /^\d{1,10}$/.test(text) && Number(text) < 0xffffffff;

const readTable = (root: string, path: string): string[][] =>
  (readInRoot(root, path) ?? '')
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.trim().split(':'));

const missing = (user: string, kind: string, name: string, file: string) =>
  new ImageError(`user ${user}`, `the image has no ${kind} ${name} in ${file}`, {
    remedy: 'give a number, or make it first',
  });
