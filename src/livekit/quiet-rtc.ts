// Keeps the debug lines of the LiveKit client off a terminal that is for something else: to be imported first.

// The client writes these lines to standard output while it loads, and NODE_ENV is its only setting for them.
process.env.NODE_ENV ??= 'production';
