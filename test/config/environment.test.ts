import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../src/config/environment.ts';
import { UserError } from '../../src/config/user-error.ts';

describe('readEnvironment', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulletproof-env-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const read = (file: string, processEnv: Record<string, string> = {}) => {
    writeFileSync(join(directory, '.env'), file);
    return readEnvironment(directory, processEnv);
  };

  it('works without a file', () => {
    expect(readEnvironment(directory, { A: 'process' })).toEqual({ A: 'process' });
  });

  it('reads assignments, comments, quotes and export', () => {
    const env = read('# keys\nA=one\nexport B="two # not a comment"\n\nC=\'three\'\nD=four # a comment\nE = five\r\n');
    expect(env).toEqual({ A: 'one', B: 'two # not a comment', C: 'three', D: 'four', E: 'five' });
  });

  it('lets the process environment win', () => {
    expect(read('A=file\nB=file', { A: 'process' })).toEqual({ A: 'process', B: 'file' });
  });

  it('takes an empty value for not set', () => {
    expect(read('A=\nB=x', { B: '' })).toEqual({ B: 'x' });
  });

  it('names file and line of a broken line, and not its text, which may be a key', () => {
    const failing = () => read('A=1\nsk-secret-key\n');
    expect(failing).toThrow(UserError);
    expect(failing).toThrow(/\.env:2: expected NAME=value/);
    expect(failing).not.toThrow(/sk-secret/);
  });

  it('names the line of a quote that is not closed', () => {
    expect(() => read('A="open')).toThrow(/\.env:1: a " is opened and not closed/);
  });
});
