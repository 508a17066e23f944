import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadPersonas } from '../../src/config/personas.ts';
import { UserError } from '../../src/config/user-error.ts';

const shipped = fileURLToPath(new URL('../../agents/', import.meta.url));

describe('loadPersonas', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'bulletproof-personas-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('loads the personas that are shipped', async () => {
    expect([...(await loadPersonas(shipped, 'sales')).keys()].sort()).toEqual(['sales', 'support']);
  });

  it('names the file that throws, and why, in one line', async () => {
    writeFileSync(join(directory, 'broken.ts'), "throw new Error('no greeting today\\nsecond line');");
    const failure = await loadPersonas(directory, 'sales').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UserError);
    expect((failure as Error).message).toBe(`${join(directory, 'broken.ts')} does not load: no greeting today`);
  });

  it('names the file that exports no persona', async () => {
    writeFileSync(join(directory, 'empty.ts'), 'export default {};');
    await expect(loadPersonas(directory, 'sales')).rejects.toThrow(/empty\.ts exports no persona/);
  });

  it('says which personas there are when the default is none of them', async () => {
    await expect(loadPersonas(shipped, 'seles')).rejects.toThrow(/"seles" is none of: sales, support/);
  });
});
