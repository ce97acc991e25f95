/**
 * The programs that labs call or copy. Of busybox' versions those will do that a lab uses for what
 * busybox knows as well; its `ip` cannot print JSON, and its `nsenter` is not what lab 06 compares
 * with.
 */
import { installCommand } from './distribution.ts';
import { BUILDING, type Lab, onLinux, type Requirement } from './requirement.ts';
import type { ToolName } from './tools.ts';

const NEEDS: { tool: ToolName; busyboxWillDo: boolean; blocks: readonly Lab[] }[] = [
  { tool: 'bash', busyboxWillDo: false, blocks: BUILDING },
  { tool: 'ldd', busyboxWillDo: true, blocks: BUILDING },
  { tool: 'mount', busyboxWillDo: true, blocks: ['02', '03', '04', '07'] },
  { tool: 'unshare', busyboxWillDo: true, blocks: ['03', '04', '06', '07'] },
  { tool: 'ps', busyboxWillDo: true, blocks: ['04', '07'] },
  { tool: 'ip', busyboxWillDo: false, blocks: ['05', '06', '07', '08'] },
  { tool: 'nft', busyboxWillDo: false, blocks: ['05', '06', '07', '08'] },
  { tool: 'ping', busyboxWillDo: true, blocks: ['05'] },
  { tool: 'sysctl', busyboxWillDo: true, blocks: ['05', '06', '07', '08'] },
  { tool: 'nsenter', busyboxWillDo: false, blocks: ['06', '07', '08'] },
];

export const toolRequirements: Requirement[] = NEEDS.map(({ tool, busyboxWillDo, blocks }) =>
  onLinux({
    id: `tool-${tool}`,
    title: tool,
    found: ({ tools }) => {
      const found = tools[tool];
      if (!found) return 'missing';
      return `${found.path}${found.busybox ? ", busybox'" : ''} ${found.version ?? ''}`.trimEnd();
    },
    ok: ({ tools }) => {
      const found = tools[tool];
      return found !== null && (busyboxWillDo || !found.busybox);
    },
    remedy: ({ distribution }) => installCommand(distribution, tool),
    blocks,
  }),
);
