// Every recogniser against its vendor's server with the habits of the real one: slow handshakes, late finals, requests of seconds.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Habits } from '../../../fixtures/habits.ts';
import { startDeepgram } from '../../../fixtures/vendors/deepgram.ts';
import { newServiceAccount } from '../../../fixtures/vendors/google-account.ts';
import { startGoogleSpeech } from '../../../fixtures/vendors/google-speech.ts';
import { startGoogleStream } from '../../../fixtures/vendors/google-stream.ts';
import { startWhisper } from '../../../fixtures/vendors/whisper.ts';
import { deepgramStt } from '../../../src/stt/providers/deepgram/deepgram.ts';
import { google, googleStreaming } from '../../../src/stt/providers/google/google.ts';
import { whisper } from '../../../src/stt/providers/whisper.ts';
import { sttConformance } from '../../conformance/stt.ts';
import { markedSpeech } from '../support/marked-speech.ts';

const SEED = 20_261_121;
const habits = () => new Habits(SEED);
const account = newServiceAccount();
const folder = mkdtempSync(join(tmpdir(), 'bulletproof-habits-'));
const credentialsFile = join(folder, 'account.json');
writeFileSync(credentialsFile, JSON.stringify(account));

const servers = await Promise.all([
  startDeepgram({ habits: habits() }),
  startGoogleStream({ habits: habits(), account }),
  startGoogleSpeech({ habits: habits() }),
  startWhisper({ habits: habits() }),
]);
const [deepgramUrl, streamUrl, speechUrl, whisperUrl] = servers.map(({ url }) => url) as [
  string,
  string,
  string,
  string,
];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  rmSync(folder, { recursive: true });
});

const subject = {
  speech: markedSpeech([1, 2, 3, 4, 5, 6], 'question'),
  heard: /^w1 w2 w3 w4 w5 w6$/,
  isFlushedAtQuiet: true,
};
const named = (name: string) => `${name}, seed ${SEED},`;

sttConformance(
  named('deepgram'),
  () => deepgramStt.create({ env: { DEEPGRAM_API_KEY: 'key', DEEPGRAM_BASE_URL: deepgramUrl } }),
  { traits: deepgramStt.traits, ...subject },
);
sttConformance(
  named('google by a service account'),
  () =>
    googleStreaming.create({
      env: { GOOGLE_APPLICATION_CREDENTIALS: credentialsFile, GOOGLE_SPEECH_BASE_URL: streamUrl },
    }),
  { traits: googleStreaming.traits, ...subject },
);
sttConformance(
  named('google by a key'),
  () => google.create({ env: { GOOGLE_API_KEY: 'key', GOOGLE_SPEECH_BASE_URL: speechUrl } }),
  { traits: google.traits, ...subject, isFlushedAtQuiet: false },
);
sttConformance(
  named('whisper'),
  () => whisper.create({ env: { OPENAI_API_KEY: 'key', WHISPER_BASE_URL: whisperUrl } }),
  { traits: whisper.traits, ...subject, isFlushedAtQuiet: false },
);
