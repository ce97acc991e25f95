/** The image of the cases: programs of this machine, in an archive that every engine takes. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { save } from '../../lib/image/archive/save.ts';
import { makeBaseImage } from '../../lib/image/base/base.ts';
import { openStore } from '../../lib/image/store.ts';

const COMMANDS = 'bash sh cat echo env grep id ls readlink sleep stty touch tr true tty'.split(' ');
export const IMAGE = 'docker.io/unboxed/drivers:base';

/** The path of the archive, in `directory`. */
export async function makeArchive(directory: string): Promise<string> {
  const archive = join(directory, 'image.tar');
  const store = await openStore(join(directory, 'store'));
  const state = join(directory, 'state');
  await makeBaseImage(store, { commands: COMMANDS, names: [IMAGE], state });
  const stream = createWriteStream(archive);
  await save(store, [IMAGE], stream, { format: 'docker' });
  stream.end();
  await finished(stream);
  return archive;
}
