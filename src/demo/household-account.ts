import { z } from 'zod';
import { formatDecimal } from '../common/units';
import type { ApiClient } from './api-client';
import { ApiProblem, refusedWith } from './api-problem';
import { pageOf } from './api-values';
import type { Household } from './dataset';
import { Explained } from './explained';
import { credentialsOf, walletOf, type Credentials, type Wallet } from './household-keys';

/** A household on the server: its account, its meter, and the API as it sees it. */
export interface Member {
  readonly household: Household;
  readonly credentials: Credentials;
  readonly userId: string;
  readonly meterId: string;
  readonly api: ApiClient;
}

/** Somebody else has what this household would need; the message says what and what to do. */
export class NotOurs extends Explained {}

const tokens = z.object({ accessToken: z.string() });
const account = z.object({ id: z.string(), walletAddress: z.string().nullable() });
const challenge = z.object({ challenge: z.string() });
const meter = z.object({ id: z.string(), serial: z.string(), status: z.string() });
const meters = pageOf(meter);
const anything = z.unknown();

type Account = z.output<typeof account>;
type Meter = z.output<typeof meter>;

/** Logs in and answers with the access token. */
export async function logIn(anybody: ApiClient, identifier: string, password: string): Promise<string> {
  const { accessToken } = await anybody.post('/api/auth/login', { identifier, password }, tokens);
  return accessToken;
}

/**
 * Sees to it that a household has an account, a wallet and a meter, whatever of it is there already.
 * @param secret what its password and its wallet are made from
 * @throws NotOurs when the account or the meter belongs to somebody else
 */
export async function settleIn(
  anybody: ApiClient,
  household: Household,
  secret: string,
  timeZone: string,
): Promise<Member & { readonly isVerified: boolean }> {
  const credentials = credentialsOf(household.serial, secret);
  await register(anybody, household, credentials);
  const api = anybody.as(() => logIn(anybody, credentials.email, credentials.password));
  const me = await ownAccount(api, household, credentials);
  await linkWallet(anybody, api, me, walletOf(credentials, secret), credentials);
  const { id: meterId, status } = await ownMeter(api, household, timeZone);
  return { household, credentials, userId: me.id, meterId, api, isVerified: status === 'verified' };
}

/** An operator looks at the device and says that it may mint; only an admin or operator can. */
export async function verifyMeter(admin: ApiClient, meterId: string): Promise<void> {
  await admin.post(`/api/meters/${meterId}/verify`, {}, anything);
}

async function register(anybody: ApiClient, { pvW }: Household, credentials: Credentials): Promise<void> {
  const role = pvW > 0n ? 'prosumer' : 'consumer';
  try {
    await anybody.post('/api/auth/register', { ...credentials, role }, anything);
  } catch (error) {
    if (!refusedWith(error, 'EMAIL_TAKEN', 'USERNAME_TAKEN')) throw error;
  }
}

async function ownAccount(api: ApiClient, { serial }: Household, { email }: Credentials): Promise<Account> {
  try {
    return await api.get('/api/users/me', account);
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 401) throw error;
    throw new NotOurs(
      `Household ${serial} has an account, ${email}, but with another password: passwords are made from the ` +
        'password of the admin who replayed first, so replay with that one',
    );
  }
}

async function linkWallet(
  anybody: ApiClient,
  api: ApiClient,
  me: Account,
  wallet: Wallet,
  { password }: Credentials,
): Promise<void> {
  const walletAddress = wallet.address;
  if (me.walletAddress === walletAddress) return;
  const asked = await anybody.post('/api/auth/wallet/challenge', { walletAddress }, challenge);
  const signature = wallet.sign(asked.challenge);
  await api.put('/api/users/me/wallet', { walletAddress, signature, currentPassword: password }, anything);
}

async function ownMeter(api: ApiClient, household: Household, timeZone: string): Promise<Meter> {
  const registered = await findMeter(api, household.serial);
  if (registered !== undefined) return registered;
  const { serial, zone, pvW } = household;
  const body = { serial, zone, energySource: 'solar', capacityKw: formatDecimal(pvW, 3), timeZone };
  try {
    return await api.post('/api/meters', body, meter);
  } catch (error) {
    if (!refusedWith(error, 'METER_SERIAL_TAKEN')) throw error;
  }
  // A run that was stopped may have registered it while its answer was lost.
  const found = await findMeter(api, serial);
  if (found !== undefined) return found;
  throw new NotOurs(
    `Meter ${serial} is registered to somebody else: rename it in meters.csv and readings.csv, or replay on another server`,
  );
}

async function findMeter(api: ApiClient, serial: string): Promise<Meter | undefined> {
  for await (const some of api.pages('/api/meters', meters)) {
    const found = some.find((one) => one.serial === serial);
    if (found !== undefined) return found;
  }
  return undefined;
}
