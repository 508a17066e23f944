import { describe, expect, it } from 'vitest';
import { chooseMode } from '../../src/call/choose-mode.ts';

const speechToSpeech = { mode: 'speech-to-speech' } as const;
const pipeline = { mode: 'pipeline' } as const;

describe('chooseMode', () => {
  it('follows room metadata, then the caller’s attribute, then the persona', () => {
    expect(chooseMode(pipeline, '{"mode":"speech-to-speech"}', { mode: 'pipeline' }, true)).toEqual(speechToSpeech);
    expect(chooseMode(speechToSpeech, '{"persona":"x"}', { mode: 'pipeline' }, true)).toEqual(pipeline);
    expect(chooseMode(speechToSpeech, '', {}, true)).toEqual(speechToSpeech);
    expect(chooseMode({}, 'no json', {}, true)).toEqual(pipeline);
  });

  it('is the pipeline, and says so, without any speech-to-speech provider', () => {
    const { mode, notice } = chooseMode(speechToSpeech, '', {}, false);
    expect(mode).toBe('pipeline');
    expect(notice).toMatch(/needs a key of Gemini or OpenAI/);
    expect(chooseMode({}, '', {}, false)).toEqual(pipeline);
  });

  it('says that a mode is none', () => {
    expect(chooseMode(speechToSpeech, '', { mode: 'telepathy' }, true)).toEqual({
      mode: 'speech-to-speech',
      notice: '“telepathy” is no mode of a call: pipeline or speech-to-speech.',
    });
  });
});
