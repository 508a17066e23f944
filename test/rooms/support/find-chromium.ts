// The Chromium of this machine, for tests of the page.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UserError } from '../../../src/config/user-error.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** @throws UserError when there is none on the path */
export function findChromium(path = process.env.PATH ?? ''): string {
  for (const directory of path.split(delimiter)) {
    for (const name of NAMES) {
      const file = join(directory, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here: look on.
      }
    }
  }
  throw new UserError('no Chromium is on the PATH', 'install it, for example with: apt-get install chromium');
}
