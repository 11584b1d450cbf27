// A stand-in for ProConnect on 127.0.0.1, run by either version of the engine that ProConnect runs:
//
//   node server.mjs --engine 7|9 [--port 0] [--strict] [--path /api/v2]
//                   [--redirect-uris JSON] [--post-logout-redirect-uris JSON]
//
// --strict is a provider of another kind: it knows every client authentication, pushed authorization requests and
// back-channel logout. --path is that of the issuer. Both lists may also stand in REDIRECT_URIS and POST_LOGOUT_REDIRECT_URIS. Each line on standard output is one JSON
// object; the first says the issuer. Each line on standard input is one client's registration, in place of what is
// registered under its client_id, and answered by a line. The end of standard input ends the program, so that it
// never outlives the test run that started it.

import * as fs from 'node:fs';
import * as http from 'node:http';
import * as readline from 'node:readline';
import { parseArgs } from 'node:util';

import { Clients } from './clients.mjs';
import { installedVersion, makeEngine, unsupported } from './engine.mjs';
import { People } from './people.mjs';
import { proconnect } from './proconnect.mjs';

const EXIT_UNSUPPORTED = 3;

// The engines write advice with it; standard output is for this program's own lines.
console.info = console.error;

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const data = (name) => JSON.parse(fs.readFileSync(new URL(name, import.meta.url), 'utf8'));

const { values: options } = parseArgs({
  options: {
    engine: { type: 'string' },
    port: { type: 'string', default: '0' },
    strict: { type: 'boolean', default: false },
    path: { type: 'string', default: '/api/v2' },
    'redirect-uris': { type: 'string', default: process.env.REDIRECT_URIS ?? '[]' },
    'post-logout-redirect-uris': { type: 'string', default: process.env.POST_LOGOUT_REDIRECT_URIS ?? '[]' },
  },
});

if (!['7', '9'].includes(options.engine)) throw new Error('--engine must be 7 or 9');

const reason = unsupported(options.engine);
if (reason) {
  say({ unsupported: reason });
  process.exit(EXIT_UNSUPPORTED);
}

const server = http.createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(Number(options.port), '127.0.0.1', resolve);
});

// The issuer names the port, so the engine is made once the port is known.
const issuer = `http://localhost:${server.address().port}${options.path}`;
const people = new People(data('accounts.json'));
const clients = new Clients(data('clients.json'), {
  redirect_uris: JSON.parse(options['redirect-uris']),
  post_logout_redirect_uris: JSON.parse(options['post-logout-redirect-uris']),
});
const { strict } = options;
const provider = await makeEngine(options.engine, { issuer, clients, people, strict });
provider.on('server_error', (ctx, error) => console.error(error));
server.on('request', proconnect({ provider, issuer, clients, people, strict }));

const lines = readline.createInterface({ input: process.stdin });
lines.on('line', async (line) => {
  let undo = () => {};
  try {
    const client = JSON.parse(line);
    undo = clients.register(client);
    await provider.Client.find(client.client_id);
    say({ registered: client.client_id });
  } catch (error) {
    undo();
    say({ refused: error.error_description ?? error.message });
  }
});
// Not process.exit(): now and then Node waits there for its own threads, without end.
const end = () => process.kill(process.pid, 'SIGKILL');
lines.on('close', end);
process.on('SIGTERM', end);

say({ issuer, engine: options.engine, version: installedVersion(options.engine), node: process.version });
