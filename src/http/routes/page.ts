// GET / : the talk page.
import type { Handler } from 'hono';
import type { Page } from '../asset.ts';

export function pageRoute(page: Page): Handler {
  // Its assets are named after their content, so only the page itself is asked for again.
  return (c) => c.html(page.html, 200, { 'Cache-Control': 'no-cache' });
}
