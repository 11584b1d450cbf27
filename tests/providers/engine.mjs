// One node-oidc-provider, with the settings that ProConnect's server has; a strict one also has what other providers
// ask for. What ProConnect does around the engine (its own session, its pages, its checks of parameters) stands in
// `proconnect.mjs`.

import * as crypto from 'node:crypto';
import { createRequire } from 'node:module';

import { memoryStore } from './store.mjs';
import { confirmLogoutPage, errorPage, signedOutPage } from './pages.mjs';

export const ACR_VALUES = [
  'eidas0', 'eidas0-mfa', 'eidas1', 'eidas1-mfa', 'eidas2', 'eidas3',
  'https://proconnect.gouv.fr/assurance/certification-dirigeant',
];

const CLAIMS = {
  openid: ['sub'],
  amr: ['amr'],
  uid: ['uid'],
  given_name: ['given_name'],
  email: ['email'],
  phone: ['phone_number'],
  organizational_unit: ['organizational_unit'],
  siren: ['siren'],
  siret: ['siret'],
  usual_name: ['usual_name'],
  belonging_population: ['belonging_population'],
  chorusdt: ['chorusdt:matricule', 'chorusdt:societe'],
  idp_id: ['idp_id'],
  idp_acr: ['idp_acr'],
  roles: ['roles'],
  organization_label: ['organization_label'],
  groups: ['groups'],
  custom: ['custom'],
};

const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  end_session: '/session/end',
  introspection: '/token/introspection',
  revocation: '/token/revocation',
  pushed_authorization_request: '/request',
};

const SIGNING = ['ES256', 'RS256', 'HS256'];
const TWELVE_HOURS = 43_200;

// Both are read as the engine is loaded, and came to Node 20 only late in its life.
const NEEDED_BY_9 = [['URL.parse', URL.parse], ['crypto.hash', crypto.hash]];

/** Why this Node cannot run an engine, or undefined. */
export function unsupported(engine) {
  const missing = engine === '9' ? NEEDED_BY_9.filter(([, value]) => value === undefined) : [];
  if (missing.length === 0) return undefined;
  const names = missing.map(([name]) => name).join(' and ');
  return `oidc-provider 9 needs a newer Node than ${process.version} (no ${names}): use 22 or later`;
}

/** The installed version of an engine, as its package says. */
export function installedVersion(engine) {
  return createRequire(import.meta.url)(`./node_modules/oidc-provider-${engine}/package.json`).version;
}

/** The path that every endpoint is beneath, without a slash at its end. */
export function rootOf(issuer) {
  return new URL(issuer).pathname.replace(/\/$/, '');
}

/** A new signing key pair of each family, as a private JWK Set. Each start rotates the keys. */
function signingKeys() {
  const jwk = (type, options, alg) => ({
    ...crypto.generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
    alg, use: 'sig', kid: `${alg}-${crypto.randomUUID()}`,
  });
  return {
    keys: [jwk('ec', { namedCurve: 'P-256' }, 'ES256'), jwk('rsa', { modulusLength: 2048 }, 'RS256')],
  };
}

// Every requested scope and claim is granted without asking: ProConnect has no consent page.
async function grantAll(ctx) {
  const { provider, client, session, params, requestParamClaims } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  grant.addOIDCClaims([...requestParamClaims]);
  await grant.save();
  return grant;
}

function settings({ issuer, clients, people, strict }) {
  const authMethods = [...(strict ? ['client_secret_basic'] : []), 'client_secret_post', 'private_key_jwt'];
  return {
    adapter: memoryStore(clients),
    acrValues: ACR_VALUES,
    claims: CLAIMS,
    clientBasedCORS: () => false,
    clientDefaults: {
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: 'ES256',
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_post',
    },
    cookies: {
      keys: [crypto.randomBytes(32).toString('hex')],
      // Engine 7 would say SameSite=None, which browsers refuse on plain http.
      long: { httpOnly: true, sameSite: 'lax' },
    },
    enabledJWA: {
      idTokenSigningAlgValues: SIGNING,
      userinfoSigningAlgValues: SIGNING,
      introspectionSigningAlgValues: SIGNING,
      idTokenEncryptionAlgValues: ['ECDH-ES', 'RSA-OAEP'],
      userinfoEncryptionAlgValues: ['ECDH-ES', 'RSA-OAEP'],
      introspectionEncryptionAlgValues: ['ECDH-ES', 'RSA-OAEP'],
      idTokenEncryptionEncValues: ['A256GCM'],
      userinfoEncryptionEncValues: ['A256GCM'],
      introspectionEncryptionEncValues: ['A256GCM'],
    },
    extraParams: ['idp_hint', 'siret_hint'],
    features: {
      backchannelLogout: { enabled: strict },
      claimsParameter: { enabled: true },
      devInteractions: { enabled: false },
      deviceFlow: { enabled: false },
      dPoP: { enabled: false },
      encryption: { enabled: true },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: strict },
      resourceIndicators: { enabled: false },
      revocation: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => { ctx.body = confirmLogoutPage(form); },
        postLogoutSuccessSource: (ctx) => { ctx.body = signedOutPage(); },
      },
    },
    findAccount: (ctx, sub) => people.account(sub),
    interactions: { url: (ctx, interaction) => `${rootOf(issuer)}/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    jwks: signingKeys(),
    loadExistingGrant: grantAll,
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(`oidc-provider-rendered-error:${out.error}`, out.error_description);
    },
    responseTypes: ['code'],
    routes: ROUTES,
    scopes: ['openid'],
    subjectTypes: ['public'],
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: TWELVE_HOURS,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: TWELVE_HOURS,
      Session: TWELVE_HOURS,
    },
    authMethods,
  };
}

// What the two engines call differently.
const DIALECTS = {
  7: ({ authMethods, features, ...common }) => ({
    ...common,
    features: { ...features, jwtIntrospection: { enabled: true, ack: 'draft-10' } },
    tokenEndpointAuthMethods: authMethods,
    pkce: { methods: ['S256'], required: () => false },
  }),
  9: ({ authMethods, ...common }) => ({
    ...common,
    clientAuthMethods: authMethods,
    // Without the guard that keeps it from reading a client's keys on this machine.
    fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
    pkce: { required: () => false },
  }),
};

/** Makes the engine (`"7"` or `"9"`) for an issuer; its HTTP side is its `callback()`. */
export async function makeEngine(engine, context) {
  const { default: exported } = await import(`oidc-provider-${engine}`);
  const Provider = exported.Provider ?? exported;
  return new Provider(context.issuer, DIALECTS[engine](settings(context)));
}
