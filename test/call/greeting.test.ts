import { llm } from '@livekit/agents';
import { describe, expect, it } from 'vitest';
import { greetingLeft } from '../../src/call/greeting.ts';
import { CONTINUATION_PROMPT } from '../../src/text/continuation-prompt.ts';
import { greetingInstructions } from '../../src/text/greeting-prompt.ts';

const GREETING = 'Hello, this is Sam. What can I do for you?';

function asked(...messages: readonly (readonly ['system' | 'user' | 'assistant', string])[]): string | undefined {
  const items = messages.map(([role, content]) => llm.ChatMessage.create({ role, content }));
  return greetingLeft(new llm.ChatContext(items), GREETING);
}

describe('greetingLeft', () => {
  it('is the greeting where it is asked for', () => {
    expect(asked(['system', 'You are Sam.'], ['system', greetingInstructions(GREETING)])).toBe(GREETING);
  });

  it('is its rest where it broke off', () => {
    expect(asked(['assistant', 'Hello, this is '], ['user', CONTINUATION_PROMPT])).toBe(' Sam. What can I do for you?');
    expect(asked(['assistant', GREETING], ['user', CONTINUATION_PROMPT])).toBe('');
  });

  it('leaves everything else to the models', () => {
    expect(asked()).toBeUndefined();
    expect(asked(['user', 'Hello.'])).toBeUndefined();
    expect(asked(['system', 'Say something else.'])).toBeUndefined();
    expect(asked(['assistant', 'We are open'], ['user', CONTINUATION_PROMPT])).toBeUndefined();
    expect(asked(['user', 'Hi.'], ['assistant', 'Hello,'], ['user', CONTINUATION_PROMPT])).toBeUndefined();
  });
});
