// Keeps the debug lines of the LiveKit client off a terminal that is for something else: to be imported first.

// It writes them to standard output as it is loaded, and NODE_ENV is the only setting that it has for them.
process.env.NODE_ENV ??= 'production';
