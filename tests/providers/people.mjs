// Who can sign in, and who has: the accounts of the identity providers behind ProConnect, and ProConnect's own
// sessions. Userinfo shows the newest of them, so a sign-in elsewhere changes what an older access token shows.

import * as crypto from 'node:crypto';

const TWELVE_HOURS_MS = 43_200_000;

export class People {
  #accounts;
  #sessions = new Map();
  #newest = new Map();

  constructor(accounts) {
    this.#accounts = accounts;
  }

  /** The accounts of one identity provider, or all. */
  list(idpHint) {
    return this.#accounts.filter(({ claims }) => !idpHint || claims.idp_id === idpHint);
  }

  named(name) {
    return this.#accounts.find((account) => account.name === name);
  }

  /** Identity providers do not tell apart the case of an address. */
  withEmail(email, idpHint) {
    return this.list(idpHint).find(({ claims }) => claims.email.toLowerCase() === email.toLowerCase());
  }

  /** Opens a session; returns its identifier. */
  open(account, { acr, amr }) {
    const id = crypto.randomBytes(32).toString('base64url');
    const session = { account, acr, amr, ends: Date.now() + TWELVE_HOURS_MS };
    this.#sessions.set(id, session);
    this.#newest.set(account.claims.sub, session);
    return id;
  }

  session(id) {
    const session = this.#sessions.get(id);
    return session && session.ends > Date.now() ? session : undefined;
  }

  close(id) {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    if (session && this.#newest.get(session.account.claims.sub) === session) {
      this.#newest.delete(session.account.claims.sub);
    }
  }

  /** The engine's view of a person; throws, as ProConnect does, once the session behind it is gone. */
  account(sub) {
    const session = this.#newest.get(sub);
    if (!session || session.ends <= Date.now()) throw new Error(`no session of ${sub}`);
    return { accountId: sub, claims: () => session.account.claims };
  }
}
