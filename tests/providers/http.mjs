// The few HTTP parts that ProConnect's side needs beside its engine.

const BODY_LIMIT = 65_536;

/** The cookies of a request as pairs of name and value, as they came. */
export function cookies(req) {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim()).filter(Boolean);
  return pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]);
}

/** Answers with a page. Fields set before are kept. */
export function sendPage(res, status, body) {
  res.writeHead(status, {
    'Cache-Control': 'no-store',
    'Content-Security-Policy': "frame-ancestors 'none'",
    'Content-Type': 'text/html; charset=utf-8',
  });
  res.end(body);
}

/** Answers with a redirect that a browser follows with GET. */
export function redirect(res, location) {
  res.writeHead(303, { 'Cache-Control': 'no-store', Location: location });
  res.end();
}

/** The fields of a form that was posted. */
export async function formFields(req) {
  const chunks = [];
  let length = 0;
  for await (const chunk of req) {
    length += chunk.length;
    if (length > BODY_LIMIT) throw new Error('form too long');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
