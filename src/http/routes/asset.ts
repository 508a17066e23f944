// GET /assets/:name : the page's script, style and icon.
import type { Handler } from 'hono';
import type { Page } from '../asset.ts';

export function assetRoute(page: Page): Handler<object, '/assets/:name'> {
  return (c) => {
    const asset = page.assets.get(c.req.param('name'));
    if (!asset) return c.notFound();
    const headers = {
      'Content-Type': asset.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      Vary: 'Accept-Encoding',
    };
    return /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
      ? c.body(asset.gzipped, 200, { ...headers, 'Content-Encoding': 'gzip' })
      : c.body(asset.body, 200, headers);
  };
}
