import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import bs58 from 'bs58';
import { startApp, type Person, type TestApp } from './support/app';
import { asOwner } from './support/database';
import { mailTo } from './support/mailbox';

interface Wallet {
  readonly address: string;
  readonly key: KeyObject;
}

function newWallet(): Wallet {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const bytes = Buffer.from(publicKey.export({ format: 'jwk' }).x as string, 'base64url');
  return { address: bs58.encode(bytes), key: privateKey };
}

const signed = ({ key }: Wallet, text: string): string => bs58.encode(sign(null, Buffer.from(text), key));

const tiers = [
  ['Redis', { REDIS_URL: process.env['TEST_REDIS_URL'] as string }],
  ['no shared cache', {}],
] as [string, Record<string, string>][];

describe.each(tiers)('wallets, with %s', (_, variables) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ ...variables, PUBLIC_URL: 'https://market.example.org/energy' });
  });
  afterAll(() => app.close());

  const asks = (walletAddress: string) => app.post('/api/auth/wallet/challenge', { body: { walletAddress } });
  const challengeOf = async ({ address }: Wallet) => (await asks(address)).body.challenge as string;
  const login = (walletAddress: string, signature: string) =>
    app.post('/api/auth/wallet/login', { body: { walletAddress, signature } });
  const logsIn = async (wallet: Wallet) => login(wallet.address, signed(wallet, await challengeOf(wallet)));
  const links = async (as: Person | undefined, wallet: Wallet, more: object = {}) =>
    app.put('/api/users/me/wallet', {
      as,
      body: { walletAddress: wallet.address, signature: signed(wallet, await challengeOf(wallet)), ...more },
    });
  const age = (person: Person, minutes: number) =>
    asOwner(app.urls, 'UPDATE sessions SET created_at = created_at - $2::interval WHERE user_id = $1', [
      person.id,
      `${minutes} minutes`,
    ]);

  async function withWallet(): Promise<{ person: Person; wallet: Wallet }> {
    const [person, wallet] = [await app.registers(), newWallet()];
    expect((await links(person, wallet)).status).toBe(200);
    return { person, wallet };
  }

  describe('a challenge', () => {
    it('names place, wallet, nonce and end, and is the same for a while', async () => {
      const { address } = newWallet();
      const { status, body } = await asks(address);
      expect(status).toBe(200);
      expect(Object.keys(body).sort()).toEqual(['challenge', 'expiresAt', 'walletAddress']);
      expect(body.challenge).toContain('market.example.org');
      expect(body.challenge).toContain(address);
      expect(body.challenge).toMatch(/^Nonce: [\w-]{43}$/m);
      expect(body.challenge).toContain(`Expires: ${body.expiresAt}`);
      const life = Date.parse(body.expiresAt) - Date.now();
      expect(life).toBeGreaterThan(4 * 60_000);
      expect(life).toBeLessThanOrEqual(5 * 60_000);
      expect((await asks(address)).body).toEqual(body);
    });

    it('is alike for wallets that are linked and others', async () => {
      const { wallet } = await withWallet();
      const shape = async (address: string) =>
        ((await asks(address)).body.challenge as string)
          .replaceAll(address, 'A')
          .replace(/(Nonce|Issued|Expires): .*/g, '$1');
      expect(await shape(wallet.address)).toBe(await shape(newWallet().address));
    });

    it('is new when half of its life is over', async () => {
      const wallet = newWallet();
      const first = await challengeOf(wallet);
      await asOwner(app.urls, `UPDATE wallet_challenges SET expires_at = expires_at - interval '3 minutes'`);
      expect(await challengeOf(wallet)).not.toBe(first);
    });

    it.each([
      ['nothing', ''],
      ['no base58', '0OIl0OIl0OIl0OIl0OIl0OIl0OIl0OIl0OIl'],
      ['31 bytes', bs58.encode(Buffer.alloc(31, 7))],
      ['33 bytes', bs58.encode(Buffer.alloc(33, 7))],
      ['a point of small order', bs58.encode(Buffer.alloc(32))],
    ])('is refused to %s', async (__, address) => {
      const { status, body } = await asks(address);
      expect(status).toBe(400);
      expect(body.errors[0].field).toBe('walletAddress');
    });
  });

  describe('logging in', () => {
    it('is by the signature of a challenge', async () => {
      const { person, wallet } = await withWallet();
      const { status, body } = await logsIn(wallet);
      expect(status).toBe(200);
      expect(Object.keys(body).sort()).toEqual(['accessToken', 'expiresIn', 'refreshToken']);
      expect((await app.get('/api/users/me', { as: body.accessToken })).body).toMatchObject({
        id: person.id,
        walletAddress: wallet.address,
      });
    });

    it('is once by one challenge, of many attempts at once too', async () => {
      const { wallet } = await withWallet();
      const signature = signed(wallet, await challengeOf(wallet));
      const attempts = await Promise.all(Array.from({ length: 6 }, () => login(wallet.address, signature)));
      expect(attempts.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401]);
      expect((await login(wallet.address, signature)).status).toBe(401);
      expect((await logsIn(wallet)).status).toBe(200);
    });

    it('is within five minutes', async () => {
      const { wallet } = await withWallet();
      const signature = signed(wallet, await challengeOf(wallet));
      await asOwner(app.urls, `UPDATE wallet_challenges SET expires_at = now() WHERE wallet_address = $1`, [
        wallet.address,
      ]);
      expect((await login(wallet.address, signature)).status).toBe(401);
    });

    it('is refused alike to a stranger’s signature, another text, and a wallet that is nobody’s', async () => {
      const [{ wallet }, stranger] = [await withWallet(), newWallet()];
      const challenge = await challengeOf(wallet);
      const answers = [
        await login(wallet.address, signed(stranger, challenge)),
        await login(wallet.address, signed(wallet, `${challenge} `)),
        await login(wallet.address, signed(wallet, await challengeOf(stranger))),
        await logsIn(stranger),
      ];
      const seen = answers.map(({ status, body: { requestId: __, ...body } }) =>
        JSON.stringify({ status, body }),
      );
      expect(answers[0]).toMatchObject({ status: 401, body: { code: 'INVALID_SIGNATURE' } });
      expect(new Set(seen).size).toBe(1);
      expect((await login(wallet.address, signed(wallet, challenge))).status).toBe(200); // nobody else used it up
    });

    it('is refused to who is deactivated', async () => {
      const { person, wallet } = await withWallet();
      await app.patch(`/api/users/${person.id}`, { as: app.admin, body: { isActive: false } });
      expect((await logsIn(wallet)).status).toBe(401);
    });

    it('is refused where the signature is none', async () => {
      const { wallet } = await withWallet();
      expect((await login(wallet.address, 'not base58')).status).toBe(400);
      expect((await login(wallet.address, bs58.encode(Buffer.alloc(63, 9)))).status).toBe(401);
      expect((await login('rubbish', bs58.encode(Buffer.alloc(64, 9)))).status).toBe(400);
    });
  });

  describe('a link', () => {
    it('is seen in the account at once, audited, and told to its owner', async () => {
      const [person, wallet] = [await app.registers(), newWallet()];
      expect((await app.get('/api/users/me', { as: person })).body.walletAddress).toBeNull();
      expect((await logsIn(wallet)).status).toBe(401);
      expect(await links(person, wallet)).toMatchObject({
        status: 200,
        body: { walletAddress: wallet.address },
      });
      expect((await app.get('/api/users/me', { as: person })).body.walletAddress).toBe(wallet.address);
      expect((await logsIn(wallet)).status).toBe(200);
      const { body } = await app.get('/api/admin/audit?action=user.wallet_linked', { as: app.admin });
      expect(body.items[0]).toMatchObject({ userId: person.id, after: { walletAddress: wallet.address } });
      await mailTo(app, person.email, /^A wallet was linked/);
    });

    it('replaces the one before, which then is free', async () => {
      const { person, wallet } = await withWallet();
      expect((await logsIn(wallet)).status).toBe(200);
      expect((await links(person, newWallet())).status).toBe(200);
      expect((await logsIn(wallet)).status).toBe(401);
      expect((await links(await app.registers(), wallet)).status).toBe(200);
      expect((await logsIn(wallet)).status).toBe(200);
    });

    it('to one wallet is one account’s', async () => {
      const { wallet } = await withWallet();
      expect(await links(await app.registers(), wallet)).toMatchObject({
        status: 409,
        body: { code: 'WALLET_TAKEN' },
      });
    });

    it('wants the wallet’s own signature, of a challenge that was not used', async () => {
      const [person, wallet] = [await app.registers(), newWallet()];
      const challenge = await challengeOf(wallet);
      const put = (signature: string) =>
        app.put('/api/users/me/wallet', { as: person, body: { walletAddress: wallet.address, signature } });
      expect(await put(signed(newWallet(), challenge))).toMatchObject({
        status: 422,
        body: { code: 'WALLET_NOT_PROVED' },
      });
      expect((await put(signed(wallet, challenge))).status).toBe(200);
      expect((await put(signed(wallet, challenge))).status).toBe(422);
    });

    it('wants a log-in of the last ten minutes, or the password', async () => {
      const [person, wallet] = [await app.registers(), newWallet()];
      await age(person, 10);
      expect(await links(person, wallet)).toMatchObject({
        status: 403,
        body: { code: 'REAUTHENTICATION_REQUIRED' },
      });
      expect(await links(person, wallet, { currentPassword: 'wrong' })).toMatchObject({
        status: 403,
        body: { code: 'WRONG_PASSWORD' },
      });
      expect((await links(person, wallet, { currentPassword: person.password })).status).toBe(200);
    });

    it('is for those who are logged in, and for themselves', async () => {
      expect((await links(undefined, newWallet())).status).toBe(401);
      expect((await links(await app.registers(), newWallet(), { userId: app.admin.id })).status).toBe(400);
    });
  });
});
