// Where an engine keeps its sessions, grants, codes and tokens: in memory, without the size limit of the engines'
// own development store, so that many sign-ins in one test run forget nothing. Clients live in `clients.mjs`.

const nowSeconds = () => Math.floor(Date.now() / 1000);

/** Makes the adapter factory of one engine. `clients` answers for the model "Client". */
export function memoryStore(clients) {
  const records = new Map();

  class Records {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload, expiresIn) {
      records.set(this.key(id), { payload, expires: expiresIn ? nowSeconds() + expiresIn : Infinity });
    }

    async find(id) {
      if (this.model === 'Client') return clients.metadata(id);
      const found = records.get(this.key(id));
      if (found === undefined) return undefined;
      if (found.expires > nowSeconds()) return found.payload;
      records.delete(this.key(id));
      return undefined;
    }

    async findByUid(uid) {
      for (const [key, { payload }] of records) {
        if (key.startsWith('Session:') && payload.uid === uid) return this.find(key.slice('Session:'.length));
      }
      return undefined;
    }

    async consume(id) {
      const payload = await this.find(id);
      if (payload) payload.consumed = nowSeconds();
    }

    async destroy(id) {
      records.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const [key, { payload }] of records) {
        if (payload.grantId === grantId) records.delete(key);
      }
    }
  }

  return (model) => new Records(model);
}
