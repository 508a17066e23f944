// Loads the personas: one file each in agents/.
import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Persona } from './persona.ts';
import { UserError } from './user-error.ts';

/**
 * Every `.ts` (or built `.js`) file in `directory`, by persona id.
 * @throws UserError naming the file that fails to load or exports no persona, or a `defaultId` that none has
 */
export async function loadPersonas(directory: string, defaultId: string): Promise<ReadonlyMap<string, Persona>> {
  const personas = new Map<string, Persona>();
  for (const file of (await readdir(directory)).sort()) {
    if (!['.ts', '.js'].includes(extname(file)) || file.endsWith('.d.ts')) continue;
    const persona = await loadPersona(join(directory, file));
    if (personas.has(persona.id)) {
      throw new UserError(
        `${join(directory, file)}: persona id "${persona.id}" is taken`,
        'give each persona its own id',
      );
    }
    personas.set(persona.id, persona);
  }
  if (!personas.has(defaultId)) {
    throw new UserError(
      `the default persona "${defaultId}" is none of: ${[...personas.keys()].join(', ') || 'none found'}`,
      `name one of them, or add a file to ${directory}`,
    );
  }
  return personas;
}

async function loadPersona(path: string): Promise<Persona> {
  let loaded: { default?: Partial<Persona> };
  try {
    loaded = (await import(pathToFileURL(path).href)) as typeof loaded;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new UserError(`${path} does not load: ${reason}`, 'correct that persona file, or move it out of agents/', {
      cause: error,
    });
  }
  const persona = loaded.default;
  if (!persona?.id || !persona.greeting || !persona.script) {
    throw new UserError(`${path} exports no persona`, 'end it with: export default definePersona({ … })');
  }
  return persona as Persona;
}
