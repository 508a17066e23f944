// `pnpm bench:stt`: what free-stt gets wrong, how much it computes and how soon it is done, on the recorded clips and on
// Flite's voices.
import { createWriteStream } from 'node:fs';
import { listClips, loadClip } from '../../fixtures/audio/clips.ts';
import type { SpeechExpectation } from '../../src/config/expectation.ts';
import { FliteClient } from '../../src/engines/flite/flite-client.ts';
import { CepstralMeans } from '../../src/engines/pocketsphinx/cepstral-means.ts';
import { Recognizer } from '../../src/engines/pocketsphinx/recognizer.ts';

const RATE_HZ = 16_000;
const EDGE = new Int16Array(RATE_HZ / 2);
const out = createWriteStream('', { fd: 1 });
const say = (line: string) => out.write(`${line}\n`);

const startedMs = performance.now();
const recognizer = new Recognizer();
say(
  `loaded in ${(performance.now() - startedMs).toFixed(0)} ms, RSS ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`,
);

const finishMs: number[] = [];
let audioSeconds = 0;

function hear(samples: Int16Array, expectation: SpeechExpectation, means = new CepstralMeans()): string {
  recognizer.begin(expectation, means, samples.length + 2 * EDGE.length);
  for (const piece of [EDGE, samples, EDGE]) {
    for (let at = 0; at < piece.length; at += 640) recognizer.process(piece.subarray(at, at + 640));
  }
  audioSeconds += samples.length / RATE_HZ + 1;
  const endedMs = performance.now();
  const { text } = recognizer.finish();
  finishMs.push(performance.now() - endedMs);
  return text;
}

const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

/** Number of insertions, deletions and substitutions. */
function wrongWords(said: readonly string[], heard: readonly string[]): number {
  let row = heard.map((_, index) => index + 1);
  row.unshift(0);
  said.forEach((word, i) => {
    const next = [i + 1];
    heard.forEach((other, j) => {
      const substituted = (row[j] as number) + (word === other ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    });
    row = next;
  });
  return row.at(-1) as number;
}

function dictate(title: string, purpose: 'words' | 'noise', means?: CepstralMeans): void {
  let [wrong, total] = [0, 0];
  for (const { name, transcript } of listClips().filter((clip) => clip.purpose.includes(purpose))) {
    const said = wordsOf(transcript);
    const heard = hear(loadClip(name).samples, { kind: 'open' }, means);
    wrong += wrongWords(said, wordsOf(heard));
    total += said.length;
    if (!means) say(`  ${name}: ${heard}`);
  }
  say(`${title}: ${((100 * wrong) / total).toFixed(1)} % of ${total} words wrong`);
}

const cpuBefore = process.cpuUsage();
dictate('clips, each a new caller', 'words');
dictate('clips, one caller', 'words', new CepstralMeans());
dictate('noisy clip', 'noise');
const { user, system } = process.cpuUsage(cpuBefore);
finishMs.sort((a, b) => a - b);
say(`${((user + system) / 1e6 / audioSeconds).toFixed(2)} CPU seconds per second`);
say(
  `finals after ${finishMs[finishMs.length >> 1]?.toFixed(0)} ms at the median, ${finishMs.at(-1)?.toFixed(0)} at most`,
);

const flite = new FliteClient();
const cases: readonly [SpeechExpectation, string, RegExp][] = [
  [{ kind: 'digits' }, 'five five five one two three four', /^5551234$/],
  [{ kind: 'digits' }, 'four one five, five five five, oh one three two', /^4155550132$/],
  [{ kind: 'digits' }, 'two zero two, five five five, zero one double nine', /^2025550199$/],
  [{ kind: 'digits' }, 'six one seven, triple four, double oh two one', /^6174440021$/],
  [{ kind: 'digits' }, 'i would rather not give my number', /^\D+$/],
  [{ kind: 'digits' }, 'i want to speak to a real person', /^\D+$/],
  [{ kind: 'yes-no' }, 'yes', /^yes/],
  [{ kind: 'yes-no' }, 'that is correct', /correct/],
  [{ kind: 'yes-no' }, 'no, that is wrong', /^no\b/],
  [{ kind: 'yes-no' }, 'what are your opening hours', /opening/],
  [{ kind: 'phrases', phrases: ['speak to a real person', 'leave a message'] }, 'leave a message', /^leave a message$/],
  [{ kind: 'spelling' }, 's m i t h', /^Smith$/],
  [{ kind: 'spelling' }, 'j o n e s', /^Jones$/],
  [{ kind: 'spelling' }, 'f o x', /^Fox$/],
];
for (const voice of ['rms', 'slt']) {
  for (const [expectation, said, expected] of cases) {
    const heard = hear(await flite.synthesize(said, voice, new AbortController().signal), expectation);
    say(`${expected.test(heard) ? 'right' : 'WRONG'}  ${expectation.kind} (${voice}): "${said}" → "${heard}"`);
  }
}
await flite.close();
say(`RSS ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`);
