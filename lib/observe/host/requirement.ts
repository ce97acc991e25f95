/**
 * One thing that labs need of a host: what was found, whether that is enough, what to do where it
 * is not, and which labs cannot run without it. One that blocks no lab is a note for labs that are
 * still to come. Pure functions of the facts, so that one may ask about a host that is made up.
 */
import type { HostFacts, LinuxFacts } from './inspect.ts';

export const LABS = ['00', '01', '02', '03', '04', '05', '06', '07', '08'] as const;

export type Lab = (typeof LABS)[number];

export type Requirement = {
  id: string;
  title: string;
  /** What this host has, in a few words. */
  found(facts: HostFacts): string;
  ok(facts: HostFacts): boolean;
  /** What to do, in one line; asked for only where `ok` is false. */
  remedy(facts: HostFacts): string;
  blocks: readonly Lab[];
};

type LinuxRequirement = {
  id: string;
  title: string;
  found(facts: LinuxFacts): string;
  ok(facts: LinuxFacts): boolean;
  remedy(facts: LinuxFacts): string;
  blocks: readonly Lab[];
};

export const GET_LINUX =
  'run it in a Linux virtual machine: npm run vm makes one (on Windows WSL 2 will do as well)';

/** Every lab that builds a container; lab 00 only looks. */
export const BUILDING = LABS.filter((lab) => lab !== '00');

/** A requirement on what only Linux has: nowhere else it is met. */
export function onLinux(requirement: LinuxRequirement): Requirement {
  return {
    ...requirement,
    found: ({ platform, linux }) => (linux ? requirement.found(linux) : platform),
    ok: ({ linux }) => linux !== null && requirement.ok(linux),
    remedy: ({ linux }) => (linux ? requirement.remedy(linux) : GET_LINUX),
  };
}
