// Opens a page in the user's browser where there is a desktop to do so.
import { spawn } from 'node:child_process';
import { hasDesktop } from '../config/environment.ts';

/** Ignores all errors, as the address is on the terminal anyway. */
export function openInBrowser(url: string): void {
  if (!process.stdout.isTTY || !hasDesktop()) return;
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(command, [url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}
