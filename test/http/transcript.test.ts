// The transcript of the page: streams of both sides become lines.
import { describe, expect, it } from 'vitest';
import {
  emptyTranscript,
  reduceTranscript,
  type Side,
  type TranscriptEvent,
  visibleLines,
} from '../../src/http/page/transcript.ts';

let streams = 0;

/** One text stream from its opening to its end. */
function stream(
  side: Side,
  segment: string,
  parts: readonly string[],
  final = false,
  closed = true,
): TranscriptEvent[] {
  const id = `stream-${++streams}`;
  return [
    { type: 'stream-opened', segment, stream: id, side, final },
    ...parts.map((text): TranscriptEvent => ({ type: 'stream-text', segment, stream: id, text })),
    ...(closed ? [{ type: 'stream-closed', segment, stream: id } as const] : []),
  ];
}

function transcriptOf(...events: readonly (TranscriptEvent | TranscriptEvent[])[]) {
  return events.flat().reduce(reduceTranscript, emptyTranscript);
}

/** "you: …" and "agent: …", with "~" before what is not final and the time behind it. */
function told(...events: readonly (TranscriptEvent | TranscriptEvent[])[]): string[] {
  return visibleLines(transcriptOf(...events)).map((line) => {
    if (line.kind === 'notice') return `${line.level}: ${line.text}`;
    const time = line.voiceToVoiceMs === undefined ? '' : ` (${line.voiceToVoiceMs})`;
    return `${line.final ? '' : '~'}${line.side === 'caller' ? 'you' : 'agent'}: ${line.text}${time}`;
  });
}

describe('the words of the caller', () => {
  it('are replaced by each new guess, in one line', () => {
    const guesses = [stream('caller', 'a', ['I want']), stream('caller', 'a', ['I went home'])];
    expect(told(...guesses)).toEqual(['~you: I went home']);
    expect(told(...guesses, stream('caller', 'a', ['I went home.'], true))).toEqual(['you: I went home.']);
  });

  it('do not change when an older guess comes late', () => {
    const [opened, text, closed] = stream('caller', 'a', ['I wa']) as [
      TranscriptEvent,
      TranscriptEvent,
      TranscriptEvent,
    ];
    expect(told(opened, stream('caller', 'a', ['I want it.'], true), text, closed)).toEqual(['you: I want it.']);
  });

  it('keep their place when they become final after the agent began', () => {
    expect(
      told(
        stream('caller', 'a', ['How mu']),
        stream('agent', 'b', ['Forty']),
        stream('caller', 'a', ['How much?'], true),
      ),
    ).toEqual(['you: How much?', 'agent: Forty']);
  });

  it('stand beside what was typed', () => {
    expect(told({ type: 'typed', id: 't', text: 'by hand' })).toEqual(['you: by hand']);
  });
});

describe('the words of the agent', () => {
  it('grow in one stream and are final when it ends', () => {
    expect(told(stream('agent', 'b', ['Good ', 'morning'], false, false))).toEqual(['~agent: Good morning']);
    expect(told(stream('agent', 'b', ['Good ', 'morning.']))).toEqual(['agent: Good morning.']);
  });

  it('have no line before the first of them', () => {
    expect(told(stream('agent', 'b', [], false, false))).toEqual([]);
  });

  it('count as said when the call ends in the middle', () => {
    expect(told(stream('agent', 'b', ['Good '], false, false), { type: 'ended' })).toEqual(['agent: Good ']);
  });
});

describe('the time of a turn', () => {
  const turn = (voiceToVoiceMs: number): TranscriptEvent => ({ type: 'turn', voiceToVoiceMs });
  const asked = stream('caller', 'a', ['How much?'], true);

  it('stands at the answer, whether it comes before or after its words', () => {
    expect(told(asked, stream('agent', 'b', ['Forty.']), turn(640))).toEqual(['you: How much?', 'agent: Forty. (640)']);
    expect(told(asked, turn(640), stream('agent', 'b', ['Forty.']))).toEqual(['you: How much?', 'agent: Forty. (640)']);
  });

  it('goes to the first line of an answer that has several', () => {
    const answer = [...stream('agent', 'b', ['One moment.']), ...stream('agent', 'c', ['Forty.'])];
    expect(told(asked, answer, turn(640))[1]).toBe('agent: One moment. (640)');
  });

  it('never goes to the greeting', () => {
    const greeting = stream('agent', 'g', ['Hello.']);
    expect(told(greeting, turn(500))).toEqual(['agent: Hello.']);
    expect(told(greeting, asked, turn(500), stream('agent', 'b', ['Forty.'])).at(-1)).toBe('agent: Forty. (500)');
  });

  it('is kept for the median, each', () => {
    expect(transcriptOf(asked, turn(640), stream('agent', 'b', ['x']), turn(700)).turnsMs).toEqual([640, 700]);
  });
});

it('shows notices where they came', () => {
  const notice: TranscriptEvent = { type: 'notice', id: 'n', level: 'warning', text: 'Speak slowly.' };
  expect(told(stream('agent', 'b', ['Hello.']), notice)).toEqual(['agent: Hello.', 'warning: Speak slowly.']);
});
