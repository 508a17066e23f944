// Reads agents/providers.yaml; an error names the file, line and column.
import { readFileSync } from 'node:fs';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { type Config, configSchema } from './schema.ts';
import { UserError } from './user-error.ts';

/**
 * @throws UserError naming file, line and column when the file is missing, no YAML or not of the schema
 */
export function loadConfig(path: string): Config {
  return parseConfig(readConfigFile(path), path);
}

/** @throws UserError when the file is missing or can't be read */
export function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`, 'restore the file from the repository');
  }
}

/** Like loadConfig, for the text of a file named `path`. */
export function parseConfig(text: string, path: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const broken = document.errors[0];
  if (broken) {
    const { line, col } = lines.linePos(broken.pos[0]);
    throw new UserError(`${path}:${line}:${col}: ${broken.message.split('\n')[0]}`, 'correct the YAML at that place');
  }
  const result = configSchema.safeParse(document.toJS());
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : (issue?.path ?? []);
  const { line, col } = lines.linePos(offsetOf(document, where));
  throw new UserError(
    `${path}:${line}:${col}: ${where.map(String).join('.') || 'the file'}: ${issue?.message ?? 'is not valid'}`,
    'correct that value',
  );
}

/** Offset of the deepest existing node on the path `where`. */
function offsetOf(document: Document, where: readonly PropertyKey[]): number {
  for (let length = where.length; length > 0; length -= 1) {
    const node = document.getIn(where.slice(0, length), true);
    const range = (node as { range?: [number, number, number] } | undefined)?.range;
    if (range) return range[0];
  }
  return 0;
}
