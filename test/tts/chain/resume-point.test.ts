// Where the next voice goes on: behind the last word that is whole, whose end its vendor may tell with the pause behind it.
import { expect, it } from 'vitest';
import { ClauseScan, ReplyText } from '../../../src/tts/chain/reply-text.ts';
import { type HeldSound, resumePoint } from '../../../src/tts/chain/resume-point.ts';
import { SpokenUnit } from '../../../src/tts/chain/spoken-unit.ts';
import { VoiceProfile } from '../../../src/tts/chain/voice-profile.ts';

const TEXT = 'w0 w1 w2';

/** Each word has 300 ms by its vendor. */
function unitOf(): SpokenUnit {
  const reply = new ReplyText();
  reply.write(TEXT);
  reply.end();
  const unit = new SpokenUnit({ from: 0, startMs: 0, hasTimes: true, profile: new VoiceProfile() });
  for (const clause of new ClauseScan(reply, 0, 0).next()) unit.clause(clause, TEXT);
  ['w0 ', 'w1 ', 'w2'].forEach((text, at) => {
    unit.hear({ type: 'word', text, startMs: at * 300, endMs: (at + 1) * 300 });
  });
  return unit;
}

const soundOf = (receivedMs: number, endsLoud: boolean): HeldSound => ({
  handedMs: receivedMs,
  receivedMs,
  isTorn: false,
  endsLoud,
  pauseEnd: () => undefined,
});

it.each([
  ['has gone quiet just before its end: it is whole', 573, false, 'w2'],
  ['sounds just before its end: it is said again', 573, true, 'w1 w2'],
  ['has gone quiet far before its end: it is said again', 530, false, 'w1 w2'],
] as const)('a word that %s', (_, receivedMs, endsLoud, rest) => {
  const { to } = resumePoint({ unit: unitOf(), wordTimes: 'exact', sound: soundOf(receivedMs, endsLoud) });
  expect(TEXT.slice(to).trim()).toBe(rest);
});
