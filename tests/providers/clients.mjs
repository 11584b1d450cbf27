// The registered clients: what the portal of the provider lets a service change, it lets a test change at run time.

const PROPERTIES_OF_PROCONNECT = ['type'];

const DEFAULT_SCOPES = [
  'openid', 'given_name', 'usual_name', 'email', 'uid', 'siret', 'siren', 'idp_id', 'idp_acr', 'roles',
  'organization_label', 'phone', 'organizational_unit', 'belonging_population', 'chorusdt', 'custom', 'amr',
];

/** A changeable set of clients, each as its OpenID Connect Dynamic Registration metadata plus `type`. */
export class Clients {
  #registered = new Map();

  constructor(defaults, uris) {
    for (const client of defaults) this.register({ ...client, ...uris });
  }

  /** Registers a client, in place of what was registered under its `client_id`; returns an undo. */
  register(client) {
    const id = client.client_id;
    const before = this.#registered.get(id);
    this.#registered.set(id, { scope: DEFAULT_SCOPES.join(' '), ...client });
    return () => (before ? this.#registered.set(id, before) : this.#registered.delete(id));
  }

  /** What the engine may know of a client, or undefined. A fresh object: an engine may keep and change it. */
  metadata(id) {
    const client = this.#registered.get(id);
    if (client === undefined) return undefined;
    const metadata = structuredClone(client);
    for (const name of PROPERTIES_OF_PROCONNECT) delete metadata[name];
    return metadata;
  }

  /** Whether only agents of the public sector may enter, as opposed to every professional. */
  publicSectorOnly(id) {
    return this.#registered.get(id)?.type === 'public';
  }

  name(id) {
    return this.#registered.get(id)?.client_name ?? id;
  }
}
