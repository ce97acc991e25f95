/**
 * A bundle in print: the launch program that it is compiled into, line by line, each with the lab
 * that works its kind of call out. Nothing is made.
 */

import { PR_CAPBSET_DROP, SIOCSIFFLAGS } from '../kernel/constants.ts';
import { explainProgram } from '../launch/explain.ts';
import type { Layout } from '../launch/explain-text.ts';
import { formatRows } from '../launch/explain-text.ts';
import { isResult, type Line, type Program } from '../launch/program.ts';

type CallName = Extract<Line, { kind: 'call' }>['call'];

/** The lab in whose program a call stands first, where one has it. */
const LAB_OF_CALL: { [Name in CallName]?: string } = {
  rtSigprocmask: '00',
  rtSigaction: '00',
  closeRange: '00',
  execve: '00',
  chroot: '01',
  chdir: '01',
  mount: '02',
  fsopen: '02',
  fsconfig: '02',
  fsmount: '02',
  pivotRoot: '03',
  umount2: '03',
  sethostname: '04',
  pidfdOpen: '06',
  setns: '06',
  unshare: '07',
  openTree: '10',
  moveMount: '10',
  mknodat: '10',
  symlinkat: '10',
  mkdirat: '10',
  umask: '10',
  setgroups: '10',
  setgid: '10',
  setuid: '10',
};

/** Its number, or null for what no lab has. */
export function labOf(line: Line): string | null {
  if (line.kind === 'gate') return '05';
  if (line.kind === 'fork') return '06';
  // A root is exchanged where it is a mount of its own, and proc is of a pid namespace.
  if (line.call === 'mount' && line.args[2] === 'proc') return '04';
  if (line.call === 'fsopen' && line.args[0] === 'proc') return '04';
  if (line.call === 'prctl') return line.args[0] === PR_CAPBSET_DROP ? '07' : null;
  if (line.call === 'ioctl') return line.args[1] === SIOCSIFFLAGS ? '05' : null;
  if (line.call === 'mount' && typeof line.args[0] === 'string' && isSelfBind(line)) return '03';
  return LAB_OF_CALL[line.call] ?? null;
}

const isSelfBind = ({ args: [source, target] }: Extract<Line, { kind: 'call' }>) =>
  !isResult(source) && source === target;

/** Lines of text, without newlines at their ends. */
export function explainBundle(program: Program, layout: Layout = {}): string[] {
  const rows = explainProgram(program);
  const texts = formatRows(rows, { ...layout, width: (layout.width ?? 100) - LAB_WIDTH });
  return texts.map((text, index) => {
    // The first row is the clone, which is no line.
    const line = program.lines[index - 1];
    const lab = index === 0 ? (program.namespaces.length > 0 ? '02' : '00') : line && labOf(line);
    return `${(lab ? `lab ${lab}` : '').padEnd(LAB_WIDTH)}${text}`.trimEnd();
  });
}

const LAB_WIDTH = 'lab 00  '.length;
