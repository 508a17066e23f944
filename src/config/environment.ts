// The only reader of `process.env` and of the `.env` file.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from './user-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;

/**
 * The `.env` file in `directory`, overridden by the process environment. An empty value counts as not set.
 * @throws UserError naming file and line when a line of `.env` is no assignment
 */
export function readEnvironment(directory: string, processEnv: Environment = process.env): Environment {
  const path = join(directory, '.env');
  return parseEnvironment(readEnvFile(path), path, processEnv);
}

/**
 * Like readEnvironment, for the text of a file named `path`.
 * @throws UserError naming file and line when a line is no assignment
 */
export function parseEnvironment(text: string, path: string, processEnv: Environment = process.env): Environment {
  const fromFile = parseEnvFile(text, path);
  const merged: Record<string, string> = {};
  for (const source of [fromFile, processEnv]) {
    for (const [name, value] of Object.entries(source)) {
      if (value !== undefined && value.trim() !== '') merged[name] = value;
    }
  }
  return merged;
}

/** Passes values that this process found, such as the address of a local model, to the processes that it starts. */
export function passToChildren(values: Environment): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) process.env[name] = value;
  }
}

const HEALTH_SOCKET = 'BULLETPROOF_HEALTH_SOCKET';

/** Socket path of the parent's health board; only call processes have it. */
export function healthSocket(env: Environment = process.env): string | undefined {
  return env[HEALTH_SOCKET];
}

/** Passes the health board's socket path to the call processes that this process starts. */
export function announceHealthSocket(path: string): void {
  passToChildren({ [HEALTH_SOCKET]: path });
}

/** Whether a program with windows can be opened for the user. */
export function hasDesktop(env: Environment = process.env): boolean {
  if (env.CI || env.SSH_CONNECTION) return false;
  return process.platform === 'darwin' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * The text of a `.env` file; empty where there is none.
 * @throws UserError when it can't be read
 */
export function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`, 'make the file readable or remove it');
  }
}

function parseEnvFile(text: string, path: string): Record<string, string> {
  const values: Record<string, string> = {};
  text.split(/\r?\n/).forEach((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) return;
    const match = ASSIGNMENT.exec(line);
    if (!match) {
      // The line itself is not shown: it may hold a key.
      throw new UserError(
        `${path}:${index + 1}: expected NAME=value`,
        'correct that line, or begin it with # to leave it out',
      );
    }
    values[match[1] as string] = unquote(match[2] as string, `${path}:${index + 1}`);
  });
  return values;
}

function unquote(raw: string, place: string): string {
  const text = raw.trim();
  const quote = text[0];
  if (quote !== '"' && quote !== "'") return text.replace(/\s+#.*$/, '');
  const end = text.indexOf(quote, 1);
  if (end === -1) throw new UserError(`${place}: a ${quote} is opened and not closed`, `end the value with ${quote}`);
  return text.slice(1, end);
}
