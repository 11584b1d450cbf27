// What ProConnect does around its engine: which paths exist, what an authorization request must look like, its own
// session of twelve hours, and sign-out. Who signs in is decided in `interactions.mjs`.

import { rootOf } from './engine.mjs';
import { cookies, sendPage } from './http.mjs';
import { interactions } from './interactions.mjs';
import { errorPage } from './pages.mjs';

const SESSION_COOKIE = 'pc_session_id';
const ENGINE_SESSION_COOKIE = /^_session(\.|$)/;

// Everything else is answered with the page Y000404; `:uid` stands for one path segment.
const ENGINE_PATHS = {
  '/.well-known/openid-configuration': ['GET'],
  '/jwks': ['GET'],
  '/authorize': ['GET'],
  '/authorize/:uid': ['GET'],
  '/token': ['POST'],
  '/userinfo': ['GET', 'POST'],
  '/session/end': ['GET'],
  '/session/end/confirm': ['POST'],
  '/session/end/success': ['GET'],
  '/token/introspection': ['POST'],
  '/token/revocation': ['POST'],
};
const STRICT_PATHS = { '/request': ['POST'] };
const CACHED_PATHS = ['/.well-known/openid-configuration', '/jwks'];

const HTTP_URL = /^https?:\/\/[^/].+$/;
const E_MAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

// A request that fails one of these is answered with the page Y000400, never by a redirect.
const AUTHORIZE_RULES = {
  client_id: (value) => Boolean(value),
  scope: (value) => Boolean(value),
  state: (value) => Boolean(value),
  redirect_uri: (value) => HTTP_URL.test(value ?? ''),
  nonce: (value) => value === null || /^[\x20-\x7e]{1,512}$/.test(value),
  login_hint: (value) => value === null || E_MAIL.test(value),
  siret_hint: (value) => value === null || value.length === 14,
};
const LOGOUT_RULES = {
  post_logout_redirect_uri: (value) => value === null || HTTP_URL.test(value),
};

/** Answers the HTTP requests of one issuer: a function of Node's request and response. */
export function proconnect({ provider, issuer, clients, people, strict }) {
  const root = rootOf(issuer);
  const paths = strict ? { ...ENGINE_PATHS, ...STRICT_PATHS } : ENGINE_PATHS;
  const engine = provider.callback();

  const browserSession = {
    get(req) {
      const id = cookies(req).find(([name]) => name === SESSION_COOKIE)?.[1];
      return { id, session: id && people.session(id) };
    },
    set(res, id) {
      const value = id ? `${SESSION_COOKIE}=${id}` : `${SESSION_COOKIE}=; Max-Age=0`;
      res.setHeader('Set-Cookie', `${value}; Path=/; HttpOnly; SameSite=Lax`);
    },
  };
  const interaction = interactions({ provider, root, clients, people, browserSession });

  function toEngine(req, res, path) {
    // The engines find out where they are mounted by comparing these two.
    req.originalUrl = root + path;
    req.url = path;
    engine(req, res);
  }

  function refuse(res, parameters, rules) {
    const wrong = Object.keys(rules).find((name) => !rules[name](parameters.get(name)));
    if (wrong) sendPage(res, 400, errorPage('Y000400', `Paramètre incorrect : ${wrong}`));
    return wrong !== undefined;
  }

  function authorize(req, res, parameters) {
    // What was pushed is the engine's to judge.
    if (!(strict && parameters.has('request_uri')) && refuse(res, parameters, AUTHORIZE_RULES)) return;
    // Each authorization starts without the engine's session, here and in the browser: only ProConnect's own can
    // spare a sign-in, and signing out ends the engine's session of the last authorization alone.
    const { session } = browserSession.get(req);
    const ofEngine = ([name]) => ENGINE_SESSION_COOKIE.test(name);
    res.setHeader('Set-Cookie', cookies(req).filter(ofEngine).map(([name]) => `${name}=; Path=/; Max-Age=0`));
    req.headers.cookie = cookies(req)
      .filter((pair) => !ofEngine(pair))
      .map((pair) => pair.join('='))
      .join('; ');
    if (!parameters.get('prompt') || (parameters.get('prompt') === 'none' && session)) {
      parameters.set('prompt', 'login');
    }
    toEngine(req, res, `/authorize?${parameters}`);
  }

  function logout(req, res, parameters, path) {
    if (refuse(res, parameters, LOGOUT_RULES)) return;
    const { id } = browserSession.get(req);
    if (id) {
      people.close(id);
      browserSession.set(res);
    }
    toEngine(req, res, path);
  }

  async function answer(req, res) {
    const url = new URL(req.url, issuer);
    const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : undefined;
    const [, uid, step] = path?.match(/^\/interaction\/([^/]+)(?:\/([a-z]+))?$/) ?? [];
    const known = path?.replace(/^\/authorize\/[^/]+$/, '/authorize/:uid');
    if (uid) {
      await interaction(req, res, step, url.searchParams);
    } else if (!paths[known]?.includes(req.method)) {
      sendPage(res, 404, errorPage('Y000404', 'Page introuvable'));
    } else if (path === '/authorize') {
      authorize(req, res, url.searchParams);
    } else if (path === '/session/end') {
      logout(req, res, url.searchParams, path + url.search);
    } else {
      if (CACHED_PATHS.includes(path)) res.setHeader('Cache-Control', 'public, max-age=600');
      toEngine(req, res, path + url.search);
    }
  }

  return (req, res) => {
    answer(req, res).catch((error) => {
      if (error.name === 'SessionNotFound') {
        sendPage(res, 400, errorPage('oidc-provider-error:session-not-found', error.error_description));
        return;
      }
      console.error(error);
      if (res.headersSent) res.destroy();
      else sendPage(res, 500, errorPage('Y000000', 'Erreur technique'));
    });
  };
}
