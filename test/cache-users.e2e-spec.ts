import { generateKeyPairSync, sign } from 'node:crypto';
import bs58 from 'bs58';
import { Client } from 'pg';
import { loadConfig } from '../src/config/config';
import { resetAdmin } from '../src/users/admin-reset';
import { dropSharedUser } from '../src/users/shared-user';
import type { Person, TestApp } from './support/app';
import { asOwner } from './support/database';
import { done, TwoProcesses, type Bus } from './support/two-processes';

const ME = '/api/users/me';
const TRAIL = '/api/admin/audit?limit=1';

function newWallet() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
  return { address: bs58.encode(raw), key: privateKey };
}
type Wallet = ReturnType<typeof newWallet>;

describe.each<[Bus]>([['Redis'], ['PostgreSQL']])(
  'what is kept of users, in processes that hear by %s',
  (bus) => {
    let both: TwoProcesses;
    let app: TestApp;
    let person: Person;

    beforeAll(async () => {
      both = await TwoProcesses.start(bus);
      app = both.one;
    });
    afterAll(() => both.stop());
    beforeEach(async () => {
      person = await app.registers({ role: 'operator' });
    });

    const changes = (change: object) => () =>
      done(app.patch(`/api/users/${person.id}`, { as: app.admin, body: change }));

    /** Asks the process that did not write, once, right after the other one has: there is no later for rights. */
    async function statusElsewhere(path: string, write: () => Promise<unknown>): Promise<number> {
      await both.warm(ME, person);
      await write();
      return (await both.two.get(path, { as: person })).status;
    }

    describe('a profile', () => {
      const renames = () => done(app.patch(ME, { as: person, body: { firstName: 'Ann' } }));
      it.each<[string, () => Promise<unknown>, object]>([
        ['its owner', renames, { firstName: 'Ann' }],
        [
          'an administrator',
          () => changes({ lastName: 'Archer', role: 'corporate' })(),
          { lastName: 'Archer' },
        ],
      ])('follows %s', async (_who, write, wanted) => {
        const answers = await both.afterWriting(ME, write, person);
        expect(answers).toMatchObject([{ body: wanted }, { body: wanted }]);
      });

      it('follows into an organisation', async () => {
        const name = `Village of ${person.username}`;
        const { id } = await done(app.post('/api/organizations', { as: app.admin, body: { name } }));
        const joins = () =>
          done(
            app.put(`/api/users/${person.id}/organization`, { as: app.admin, body: { organizationId: id } }),
          );
        const answers = await both.afterWriting(ME, joins, person);
        expect(answers).toMatchObject([{ body: { organizationId: id } }, { body: { organizationId: id } }]);
      });
    });

    describe('a right', () => {
      it('that is taken away counts at once', async () => {
        expect((await both.two.get(TRAIL, { as: person })).status).toBe(200);
        expect(await statusElsewhere(TRAIL, changes({ role: 'consumer' }))).toBe(403);
        expect((await app.get(TRAIL, { as: person })).status).toBe(403);
      });

      it('that is given counts at once', async () => {
        await changes({ role: 'consumer' })();
        expect(await statusElsewhere(TRAIL, changes({ role: 'auditor' }))).toBe(200);
      });

      it('ends with the account at once, deactivated or closed', async () => {
        expect(await statusElsewhere(ME, changes({ isActive: false }))).toBe(401);
        person = await app.registers();
        const closes = () => done(app.delete(ME, { as: person, body: { currentPassword: person.password } }));
        expect(await statusElsewhere(ME, closes)).toBe(401);
      });
    });

    describe('a session', () => {
      it('that ended is over at once', async () => {
        expect(await statusElsewhere(ME, () => done(app.post('/api/auth/logout', { as: person })))).toBe(401);
        expect((await app.get(ME, { as: person })).status).toBe(401);
      });

      it('is over at once when all are ended, or the password is changed elsewhere', async () => {
        expect(await statusElsewhere(ME, () => done(app.delete('/api/auth/sessions', { as: person })))).toBe(
          401,
        );
        person = await app.registers();
        const elsewhere = await app.logsIn(person.email, person.password);
        const body = { currentPassword: person.password, newPassword: 'another long password' };
        const change = () => done(app.post('/api/auth/password/change', { as: elsewhere, body }));
        expect(await statusElsewhere(ME, change)).toBe(401);
        expect((await both.two.get(ME, { as: elsewhere })).status).toBe(200);
      });

      it('lives on when it is refreshed, though what was known of its end is over', async () => {
        const [row] = await asOwner<{ expires_at: Date }>(
          app.urls,
          `UPDATE sessions SET expires_at = now() + interval '15 seconds' WHERE user_id = $1 RETURNING expires_at`,
          [person.id],
        );
        await both.warm(ME, person);
        const { refreshToken } = person;
        const { accessToken } = await done(app.post('/api/auth/refresh', { body: { refreshToken } }));
        const end = row?.expires_at.getTime() ?? Infinity;
        const statuses = new Set<number>();
        while (Date.now() < end + 100) statuses.add((await both.two.get(ME, { as: accessToken })).status);
        expect([...statuses]).toEqual([200]);
      });
    });

    describe('a wallet', () => {
      const signed = async ({ address, key }: Wallet): Promise<object> => {
        const body = { walletAddress: address };
        const { challenge } = await done(app.post('/api/auth/wallet/challenge', { body }));
        return { ...body, signature: bs58.encode(sign(null, Buffer.from(challenge as string), key)) };
      };
      const logsIn = async (at: TestApp, wallet: Wallet) =>
        (await at.post('/api/auth/wallet/login', { body: await signed(wallet) })).status;
      const links = async (wallet: Wallet): Promise<unknown> =>
        done(app.put(`${ME}/wallet`, { as: person, body: await signed(wallet) }));

      it('is its owner’s as soon as it is linked, and until another one is', async () => {
        const [first, second] = [newWallet(), newWallet()];
        for (const at of [both.two, both.one, both.two]) expect(await logsIn(at, first)).toBe(401);
        const [own, others] = await both.afterWriting(ME, () => links(first), person);
        expect([own?.body.walletAddress, others?.body.walletAddress]).toEqual([first.address, first.address]);
        expect([await logsIn(both.two, first), await logsIn(both.two, second)]).toEqual([200, 401]);
        await links(second);
        expect([await logsIn(both.two, first), await logsIn(both.two, second)]).toEqual([401, 200]);
      });
    });
  },
);

describe('an administrator whose access is restored beside running servers', () => {
  let both: TwoProcesses;
  beforeAll(async () => {
    both = await TwoProcesses.start('Redis');
  });
  afterAll(() => both.stop());

  it('has no old session in any of them', async () => {
    const { admin, urls, dataDir } = both.one;
    await both.warm(ME, admin);
    const owner = new Client({ connectionString: urls.ownerUrl });
    await owner.connect();
    const config = loadConfig({
      DATABASE_URL: urls.applicationUrl,
      JWT_SECRET: 'a secret of tests only, 32 characters or more',
      DATA_DIR: dataDir,
      REDIS_URL: both.redisUrl,
    });
    const dropped: boolean[] = [];
    await resetAdmin(owner, {}, async (userId) => void dropped.push(await dropSharedUser(config, userId)));
    await owner.end();
    expect(dropped).toEqual([true]);
    const statuses = [await both.two.get(ME, { as: admin }), await both.one.get(ME, { as: admin })];
    expect(statuses.map(({ status }) => status)).toEqual([401, 401]);
  });
});
