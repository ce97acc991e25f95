import { benchImage } from '../image.ts';
import { type Part, row } from '../part.ts';

const ROUNDS = 5;

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

/** A large layer unpacked, and an image with it pulled. */
export const image: Part = {
  name: 'image',
  async run({ layer }, say) {
    const figures = await benchImage(ROUNDS, layer);
    const { entries, bytes, gzipBytes, gzip, plain, stored, peak, before, pull } = figures;
    say(`a layer of ${entries} entries, ${megabytes(bytes)}, unpacked with digest check`);
    for (const [name, { ours, tar, ratio }] of [
      [`gzip, ${megabytes(gzipBytes)}`, gzip],
      ['not compressed', plain],
    ] as const) {
      say(row(name, `${ours.toFixed(2)} s  ${ratio.toFixed(2)} × tar (${tar.toFixed(2)} s)`));
    }
    say(row('gzip, into a store', `${stored.toFixed(2)} s`));
    say(row('peak memory', `${peak} MB, ${before} MB of it before it began`));
    say('an image of it and two small layers, pulled from a registry on loopback');
    if (typeof pull === 'string') {
      say(`  not compared: ${pull}`);
      return figures;
    }
    const { ours, skopeo, umoci, ratio } = pull;
    const theirs = `${skopeo.toFixed(2)} s + ${umoci.toFixed(2)} s`;
    say(
      row(
        'into a store',
        `${ours.toFixed(2)} s  ${ratio.toFixed(2)} × skopeo copy, umoci unpack (${theirs})`,
      ),
    );
    say(row('peak memory', `${pull.peak} MB`));
    return figures;
  },
};
