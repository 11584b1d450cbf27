// The interaction between an authorization request and its answer: who signs in, with which level of assurance, or
// why nobody does.

import { ACR_VALUES } from './engine.mjs';
import { formFields, redirect, sendPage } from './http.mjs';
import { errorPage, signInPage } from './pages.mjs';

// A failure first shows a page; its link takes `error` to the client.
const FAILURES = {
  Y500015: {
    title: 'Accès réservé aux agents publics',
    error: 'access_denied',
    error_description: 'authentication aborted due to invalid identity',
  },
  Y500025: {
    title: "Ce service n'accepte pas votre adresse électronique",
    error: 'access_denied',
    error_description: 'authentication aborted due to a configuration limitation',
  },
  Y190001: {
    title: 'Votre session a expiré',
    error: 'access_denied',
    error_description: 'user authentication aborted',
  },
  Y500006: {
    title: "Votre fournisseur d'identité ne répond pas correctement",
    error: 'server_error',
    error_description: 'authentication aborted due to a technical error on the authorization server',
  },
  Y020026: {
    title: "L'échange avec votre fournisseur d'identité a échoué",
    error: 'invalid_request',
    error_description: 'authentication aborted due to a technical error on the authorization server',
  },
};

const LEVELS_ALWAYS_ASKED_AGAIN = ['eidas2', 'eidas3'];
const RAISED_BY_EMAIL_CODE = { eidas0: 'eidas0-mfa', eidas1: 'eidas1-mfa' };

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** The levels of which one must be met, or undefined; the claims parameter was checked by the engine. */
function essentialAcr({ claims }) {
  const acr = JSON.parse(claims ?? '{}').id_token?.acr;
  return acr?.essential ? (acr.values ?? [acr.value]) : undefined;
}

/** The level and the methods that the sign-in of an account ends with. */
function assurance({ acr, amr, email_code: emailCode }, required) {
  const known = ACR_VALUES.includes(acr) ? acr : 'eidas1';
  const raised = RAISED_BY_EMAIL_CODE[known];
  const asked = required?.some((value) => value.endsWith('-mfa')) && !required.includes(known);
  if (emailCode && raised && asked) return { acr: raised, amr: [...(amr ?? []), 'mail'] };
  return { acr: known, amr };
}

/** Answers `/interaction/:uid` and the paths below. `browserSession` reads and sets ProConnect's own session. */
export function interactions({ provider, root, clients, people, browserSession }) {
  const place = (uid, step = '', code = '') =>
    `${root}/interaction/${uid}${step && `/${step}?code=${encodeURIComponent(code)}`}`;

  const finish = (req, res, result) =>
    provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });

  const signIn = (req, res, account, levels) =>
    finish(req, res, { login: { accountId: account.claims.sub, ...levels, ts: nowSeconds() } });

  const mayEnter = (account, { client_id }) =>
    !clients.publicSectorOnly(client_id) || account.claims.roles.includes('agent_public');

  /** Ends the interaction with an account, or with why that account may not enter. */
  async function enter(req, res, { uid, params }, account) {
    if (!mayEnter(account, params)) {
      redirect(res, place(uid, 'error', 'Y500015'));
      return;
    }
    const required = essentialAcr(params);
    const levels = assurance(account, required);
    if (required && !required.includes(levels.acr)) {
      await finish(req, res, {
        error: 'access_denied',
        error_description: 'requested ACRs could not be satisfied',
      });
      return;
    }
    browserSession.set(res, people.open(account, levels));
    await signIn(req, res, account, levels);
  }

  function reusable(session, params) {
    if (!session || !mayEnter(session.account, params)) return false;
    const { claims } = session.account;
    if (params.login_hint && params.login_hint !== claims.email) return false;
    if (params.idp_hint && params.idp_hint !== claims.idp_id) return false;
    const required = essentialAcr(params);
    if (!required) return true;
    return required.includes(session.acr) && !LEVELS_ALWAYS_ASKED_AGAIN.includes(session.acr);
  }

  async function start(req, res, details) {
    const { params, prompt, uid } = details;
    if (prompt.name === 'consent') {
      await finish(req, res, { consent: {} });
      return;
    }
    if (params.idp_hint && people.list(params.idp_hint).length === 0) {
      await finish(req, res, {
        error: 'idp_hint_not_found',
        error_description: 'provided idp_hint could not be found',
      });
      return;
    }
    const { session } = browserSession.get(req);
    if (reusable(session, params)) {
      await signIn(req, res, session.account, { acr: session.acr, amr: session.amr });
      return;
    }
    const hinted = params.login_hint && people.withEmail(params.login_hint, params.idp_hint);
    if (hinted) {
      await enter(req, res, details, hinted);
      return;
    }
    sendPage(res, 200, signInPage({
      action: place(uid),
      client: clients.name(params.client_id),
      accounts: people.list(params.idp_hint),
      failures: Object.entries(FAILURES),
    }));
  }

  async function choose(req, res, details) {
    const fields = await formFields(req);
    const account = people.named(fields.get('account'));
    if (account) await enter(req, res, details, account);
    else redirect(res, place(details.uid, 'error', fields.get('failure')));
  }

  return async (req, res, step, parameters) => {
    const details = await provider.interactionDetails(req, res);
    const code = parameters.get('code');
    const route = `${req.method} ${step ?? ''}`.trim();
    if (route === 'GET') {
      await start(req, res, details);
    } else if (route === 'POST') {
      await choose(req, res, details);
    } else if (route === 'GET error') {
      const title = FAILURES[code]?.title ?? 'Choix inconnu';
      sendPage(res, 400, errorPage(code, title, place(details.uid, 'leave', code)));
    } else if (route === 'GET leave') {
      const { error, error_description } = FAILURES[code] ?? FAILURES.Y500006;
      await finish(req, res, { error, error_description });
    } else {
      sendPage(res, 404, errorPage('Y000404', 'Page introuvable'));
    }
  };
}
