/**
 * From where packages come: from the mirrors that the host's apt uses for the guest's suite, or
 * from Debian's own, where the host is another release or distribution. The guest itself is told
 * of Debian's own only.
 *
 * apt-get(8) indextargets, sources.list(5)
 */
import { execa } from 'execa';
import { SUITE } from './packages.ts';

const DEBIAN = 'http://deb.debian.org/debian';

export const SUITES = {
  [SUITE]: DEBIAN,
  [`${SUITE}-updates`]: DEBIAN,
  [`${SUITE}-security`]: 'http://deb.debian.org/debian-security',
};

/** One line of sources.list(5) for each of the guest's suites. */
export async function debianMirrors(): Promise<string[]> {
  const format = '$(RELEASE) $(COMPONENT) $(REPO_URI)';
  const asked = await execa(
    'apt-get',
    ['indextargets', '--format', format, 'Created-By: Packages'],
    {
      reject: false,
    },
  );
  return chooseMirrors(asked.stdout ?? '');
}

/** The same from the lines `suite component URI` of the host's package indexes. */
export function chooseMirrors(indexes: string): string[] {
  const lines = indexes.split('\n').map((line) => line.split(' '));
  return Object.entries(SUITES).map(([suite, own]) => {
    const [, , uri] =
      lines.find(([name, component]) => name === suite && component === 'main') ?? [];
    return `deb ${(uri ?? own).replace(/\/$/, '')} ${suite} main`;
  });
}
