/** The guided steps of lab 10, in the order of its reading. */
import { createReadStream } from 'node:fs';
import { relative } from 'node:path';
import { execa } from 'execa';
import { commitContainer } from '../../lib/image/commit.ts';
import { diffOf } from '../../lib/image/diff.ts';
import { hexOf } from '../../lib/image/digest.ts';
import { pull } from '../../lib/image/registry/pull.ts';
import { push } from '../../lib/image/registry/push.ts';
import { drawStacks } from '../../lib/image/stack-text.ts';
import { openStore } from '../../lib/image/store.ts';
import type { LayerProgress } from '../../lib/image/transfer/progress.ts';
import { defineLab } from '../../lib/lab/lab.ts';
import { topOf } from '../../lib/lab/lab-images.ts';
import { registryIsMissing, withRegistry } from '../../lib/lab/lab-registry.ts';
import { buildFiles, buildHello, imagesOf, runOf, showHistory, telling } from './by-hand.ts';
import { makeHostile } from './hostile.ts';

export default defineLab({
  steps: {
    naive: {
      title: 'Two layers, one tar after the other',
      run: async ({ host }) => {
        await host`rm -rf one two outside naive; mkdir -p one two/opt outside naive`;
        await host`ln -s $PWD/outside one/opt; echo planted > two/opt/file`;
        await host`tar -C one -cf 1.tar opt; tar -C two -cf 2.tar opt/file`;
        await host`tar -tf 1.tar; tar -tf 2.tar`;
        await host`tar -C naive -xf 1.tar; tar -C naive -xf 2.tar`;
        await host`ls outside`;
      },
    },
    names: {
      title: 'A name for a stack',
      run: async ({ host }) => {
        await host`printf 'some content' | sha256sum`;
        await host`printf '%s' 'sha256:9f54eef412758095c8079ac465d494a2872e02e90bf1fb5f12a1641c0d1bb78b sha256:b3cce2ce0405ffbb4971b872588c5b7fc840514b807f18047bf7d486af79884c' | sha256sum`;
        await host`printf '%s' 'sha256:e1c75a5e0bfa094c407e411eb6cc8a159ee8b060cbd0398f1693978b4af9af10 sha256:9e97312b63ff63ad98bb1f3f688fdff0721ce5111e7475b02ab652f10a4ff97d' | sha256sum`;
      },
    },
    build: {
      title: 'A layer for each step',
      run: async (lab) => {
        const { host, show } = lab;
        await buildFiles(lab);
        const hello = await buildHello(lab, telling(show));
        await host`cat hello/Dockerfile`;
        await showHistory(lab, hello);
        show('again:');
        await buildHello(lab, telling(show));
        show('and with two COPY:');
        await showHistory(lab, await buildFiles(lab));
      },
    },
    walk: {
      title: 'From a name to a directory',
      run: async (lab) => {
        const { subject, host, show } = lab;
        const image = await buildHello(lab);
        const { store } = imagesOf(subject);
        const id = `${hexOf(image.id).slice(0, 12)}*`;
        await host`cd images/image; grep -o 'lab/hello:latest[^,}]*' repositories.json`;
        await host`cd images/image/imagedb/content/sha256; sha256sum ${id}`;
        await host`cd images/image/imagedb/content/sha256; grep -o 'sha256:[0-9a-f]*' ${id}`;
        await host`cd images/image/imagedb/content/sha256; printf '%s %s' $(grep -o 'sha256:[0-9a-f]*' ${id}) | sha256sum`;
        const chain = topOf(image);
        const directory = `images/image/layerdb/sha256/${hexOf(chain).slice(0, 12)}*`;
        for (const file of ['diff', 'parent', 'size', 'cache-id']) {
          await host`cat ${directory}/${file}`;
        }
        const layer = await store.layer(chain);
        const unpacked = `images/overlay2/${layer?.cacheId.slice(0, 12)}*`;
        await host`ls ${unpacked}; cat ${unpacked}/link`;
        await host`readlink images/overlay2/l/$(cat ${unpacked}/link)`;
        await host`cd ${unpacked}/diff; find . -type f; cat tmp/newfile`;
        show('its tar, written anew from that directory, through sha256sum:');
        show((await execa('sha256sum', { input: store.layerTar(chain) })).stdout);
      },
    },
    container: {
      title: 'Three kinds of layer',
      run: async (lab) => {
        const { subject, host, show } = lab;
        await buildHello(lab);
        await using box = await subject.start({ image: 'lab/hello' });
        const own = relative(runOf(subject), box.layers.directory);
        await host`grep ' / / ' /proc/${box.pid}/mountinfo | tr ',:' '\\n\\n' | grep -E '${own}|overlay2'`;
        await host`cd ${own}; find init upper -type f | sort`;
        await box.type('cat /etc/hostname; echo hello > /hello.txt');
        await box.type('echo more >> /etc/group; rm /etc/passwd');
        await host`cd ${own}/upper; find . -mindepth 1 -printf '%y %P\\n' | sort -k 2`;
        const init = `${box.layers.directory}/init`;
        for (const { kind, path } of diffOf({ ...box.layers, init, image: box.layers.lowers })) {
          show(`${kind} ${path}`);
        }
      },
    },
    share: {
      title: 'Two containers, one image',
      run: async (lab) => {
        const { subject, host, show } = lab;
        const { store, base } = imagesOf(subject);
        const [hello, files] = [await buildHello(lab), await buildFiles(lab)];
        await using one = await subject.start({ image: 'lab/hello' });
        await using two = await subject.start({ image: 'lab/hello' });
        const uppers = [one, two].map(({ layers }) => relative(runOf(subject), layers.upper));
        const sizes = `images/overlay2 ${uppers.join(' ')}`;
        await host`du -s --apparent-size --si ${sizes}`;
        await one.type('printf %01000000d 1 > /million');
        await two.type('ls /million');
        await host`du -s --apparent-size --si ${sizes}`;
        show(await drawStacks(store, { base, hello, files }));
      },
    },
    registry: {
      title: 'Commit, push, pull',
      run: async (lab) => {
        const { subject, show } = lab;
        const missing = registryIsMissing();
        if (missing) return show(`skipped: ${missing}; apt install docker-registry`);
        const { store } = imagesOf(subject);
        const image = await buildHello(lab);
        await using box = await subject.start({ image: 'lab/hello' });
        await box.type('echo hello > /hello.txt');
        const { upper } = box.layers;
        const committed = await commitContainer(store, { image, upper, createdBy: 'sh' });
        await showHistory(lab, committed);
        const run = runOf(subject);
        await withRegistry(`${run}/registry`, `${box.id}-registry`, async (address) => {
          const tagged = {
            [`${address}/lab/hello:1`]: image,
            [`${address}/lab/hello:2`]: committed,
          };
          for (const [name, { id }] of Object.entries(tagged)) {
            await store.tag(id, name);
            const { sent, present } = await push(store, name);
            show(`push: layers sent ${sent.length}, there already ${present.length}`);
          }
          const other = await openStore(`${run}/other-machine`);
          for (const [name, { id }] of Object.entries(tagged)) {
            let came = 0;
            const onProgress = ({ state }: LayerProgress) => {
              if (state === 'done') came += 1;
            };
            const pulled = await pull(other, name, { onProgress });
            const same = pulled.image.id === id ? 'the same id' : 'another id';
            show(`pull: layers that came ${came}, ${same}`);
          }
        });
      },
    },
    unpack: {
      title: 'The same two layers, each on its own',
      run: async ({ subject, host }) => {
        const { store } = imagesOf(subject);
        const [lower, upper] = (await makeHostile(subject)).layers;
        const one = await store.addLayer({ parent: null, stream: createReadStream(lower) });
        const parent = one.chainId;
        const two = await store.addLayer({ parent, stream: createReadStream(upper) });
        const short = [one, two].map(({ cacheId }) => `${cacheId.slice(0, 12)}*/diff`).join(' ');
        await host`ls outside | wc -l; cd images/overlay2; find ${short} -mindepth 1 -printf '%y %p\\n'`;
      },
    },
    flip: {
      title: 'Flip a bit',
      run: async (lab) => {
        const { subject, host, show } = lab;
        const { store } = imagesOf(subject);
        const layer = await store.layer(topOf(await buildHello(lab)));
        const file = `images/overlay2/${layer?.cacheId.slice(0, 12)}*/diff/tmp/newfile`;
        await host`cp -a ${file} kept`;
        await host`F=$(echo ${file}); printf a | dd of=$F bs=1 seek=1 conv=notrunc status=none; touch -r kept $F; cat $F`;
        for (const { path, problem } of await store.verify()) {
          show(`${relative(runOf(subject), path)}: ${problem}`);
        }
        await host`cp -a kept $(echo ${file})`;
        show(`${(await store.verify()).length} findings`);
      },
    },
  },
  task: {
    lines: [
      'What the host tells a container (hosts, hostname, resolv.conf) must not be written into what',
      'it shares with others: put a layer of its own between layers.lowers and layers.upper.',
      'Export `unpack` beside `runtime`: layers as streams of tars, from the bottom up, and an empty',
      'directory in, the directories for `lowerdir` out, the topmost first. An empty file `.wh.NAME` in',
      'a tar removes NAME of the layers below. No layer may write outside of its own.',
    ],
    before: "call.mount('overlay'",
    hints: [
      'lowerdir takes any number of directories. Which of them are this container’s alone? And where does nameServer write?',
      'initLayer(layers.directory, { hostname, ...network }) in lib/image/init-layer.ts has a directory and the action that makes it. unpackImage in lib/image/unpack-image.ts gives each layer a directory of its own.',
      "const init = initLayer(…); optionString({ ...layers, lowers: [init.diff, ...layers.lowers] }); prepare: [makeLayers(layers), init.action, …] without nameServer; export { unpackImage as unpack } from '…/lib/image/unpack-image.ts';",
    ],
  },
});
