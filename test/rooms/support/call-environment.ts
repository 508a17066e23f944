// Vendors of a call's own: whoever makes the call writes where they are, and its call process reads it when the call begins.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The variable that names the directory; absent: the worker's own variables lead to the vendors. */
export const CALLS_DIRECTORY = 'CALLS_DIRECTORY';

export const hasOwnVendors = () => process.env[CALLS_DIRECTORY] !== undefined;

export function writeCallEnvironment(directory: string, room: string, values: Readonly<Record<string, string>>): void {
  writeFileSync(fileOf(directory, room), JSON.stringify(values));
}

/** Puts them among the variables of this process, which holds no other call. */
export function takeCallEnvironment(room: string): void {
  const directory = process.env[CALLS_DIRECTORY];
  if (directory === undefined) return;
  Object.assign(process.env, JSON.parse(readFileSync(fileOf(directory, room), 'utf8')));
}

const fileOf = (directory: string, room: string) => join(directory, `${room}.json`);
