import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../src/cli/options.ts';
import { UserError } from '../../src/config/user-error.ts';

describe('parseOptions', () => {
  it('has defaults', () => {
    expect(parseOptions([])).toEqual({ help: false, persona: undefined, port: 3000, open: true, demo: false });
  });

  it('reads every option, also behind the -- that pnpm hands on', () => {
    const expected = { help: false, persona: 'support', port: 4000, open: false, demo: true };
    expect(parseOptions(['--persona', 'support', '--port', '4000', '--no-open', '--demo'])).toEqual(expected);
    expect(parseOptions(['--', '--persona', 'support', '--port', '4000', '--no-open', '--demo'])).toEqual(expected);
  });

  it.each([['--prot', '1'], ['--port', 'x'], ['--port', '70000'], ['stray']])(
    'refuses %s %s with a way out',
    (...args) => {
      expect(() => parseOptions(args.filter((arg) => arg !== undefined))).toThrow(UserError);
    },
  );
});
