// GET / : the talk page.
import type { Handler } from 'hono';
import type { Page } from '../asset.ts';

export function pageRoute(page: Page): Handler {
  // The assets are named after their content, so browsers need to revalidate only the page itself.
  return (c) => c.html(page.html, 200, { 'Cache-Control': 'no-cache' });
}
