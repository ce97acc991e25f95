/**
 * What a check found: a claim about a running container, what was expected, what the kernel shows,
 * and where it was looked up. A check never asks the container: it reads the host's /proc, /sys and
 * tables.
 */
export interface Finding {
  /** A sentence that holds or does not: "the container's /tmp is a tmpfs of its own". */
  claim: string;
  held: boolean;
  expected: string;
  seen: string;
  /** The file or command that anybody can look at: `/proc/4242/mountinfo`. */
  where: string;
  /** Worked out from what was seen; only where it did not hold. */
  hint?: string | undefined;
}

/** A finding that holds when both texts are the same. */
export function compare(
  claim: string,
  { expected, seen, where, hint }: { expected: string; seen: string; where: string; hint?: string },
): Finding {
  return judge(claim, expected === seen, { expected, seen, where, hint });
}

/** A finding whose verdict is worked out by the caller. The hint is dropped where it held. */
export function judge(
  claim: string,
  held: boolean,
  about: { expected: string; seen: string; where: string; hint?: string | undefined },
): Finding {
  const { expected, seen, where, hint } = about;
  return { claim, held, expected, seen, where, hint: held ? undefined : hint };
}
