/**
 * A program of its own that makes a container and leaves it, so that a copy of the interpreter which
 * runs it is what the container could overwrite.
 *
 *   node create-from.ts ROOT BUNDLE ID [--without]
 */
import { PR_SET_MM } from '../../lib/kernel/constants.ts';
import { createContainer } from '../../lib/oci/life/create.ts';
import { loadBundle } from '../../lib/oci/load-bundle.ts';
import { rewriteLines } from './rewrite.ts';

const [root = '', directory = '', id = '', without] = process.argv.slice(2);

await createContainer({
  root,
  id,
  bundle: await loadBundle(directory),
  preserveFds: 0,
  noPivot: false,
  noNewKeyring: false,
  ...(without
    ? {
        rewrite: (program) =>
          rewriteLines(program, ({ call, args }) => call === 'prctl' && args[0] === PR_SET_MM),
      }
    : {}),
});
