// Where a service may be reached without encryption.
import { describe, expect, it } from 'vitest';
import { checkBaseUrls } from '../../src/config/base-urls.ts';

describe('a base URL', () => {
  it.each([
    'https://api.openai.com/v1',
    'wss://eu.api.example.com',
    'http://127.0.0.1:8001',
    'http://localhost:11434/v1',
    'http://[::1]:8001',
    'http://192.168.1.20:8001',
    'http://172.20.0.3:8001',
    'http://silero:8001',
    'http://llm.default.svc.cluster.local/v1',
    'http://gpu.local',
  ])('may be %s', (url) => {
    expect(() => checkBaseUrls({ LOCAL_LLM_BASE_URL: url })).not.toThrow();
  });

  it.each([
    ['http://api.openai.com/v1', 'for anybody to read'],
    ['ws://api.deepgram.com', 'for anybody to read'],
    ['http://172.32.0.1', 'for anybody to read'],
    ['http://10.evil.example', 'for anybody to read'],
    ['http://[2001:db8::1]', 'for anybody to read'],
    ['api.openai.com', 'must begin with https://'],
    ['file:///etc/passwd', 'must begin with https://'],
  ])('may not be %s', (url, message) => {
    expect(() => checkBaseUrls({ OPENAI_BASE_URL: url })).toThrow(message);
  });

  it('may be open across the internet where that is said', () => {
    expect(() => checkBaseUrls({ OPENAI_BASE_URL: 'http://proxy.example.com', ALLOW_HTTP: 'true' })).not.toThrow();
  });
});
