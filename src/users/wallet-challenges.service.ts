import { Inject, Injectable } from '@nestjs/common';
import { newId } from '../common/id';
import { CONFIG, type Config } from '../config/config';
import { DatabaseService } from '../database/database.service';
import type { Transaction } from '../database/transaction';
import { publicUrl } from './public-url';
import { newSecret } from './secrets';
import { isSignedBy } from './wallet-signature';

const LIFE_MS = 5 * 60_000;

/** What the owner of a wallet has to sign, as UTF-8. */
export interface ChallengeView {
  readonly walletAddress: string;
  readonly challenge: string;
  readonly expiresAt: Date;
}

/** Texts to be signed by whoever claims to own a wallet; the same for wallets we know and others. */
@Injectable()
export class WalletChallengesService {
  private readonly place: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly database: DatabaseService,
  ) {
    this.place = publicUrl(config).host;
  }

  /**
   * A challenge for a wallet. Asked again soon, the same one: so nobody, by asking much, takes a challenge
   * away from the owner or fills the table.
   */
  challenge(walletAddress: string): Promise<ChallengeView> {
    return this.database.transaction(async (tx) => {
      const [current] = await tx.query<{ challenge: string; expires_at: Date }>(
        `SELECT challenge, expires_at FROM wallet_challenges
          WHERE wallet_address = $1 AND expires_at > now() + interval '150 seconds'
          ORDER BY expires_at DESC LIMIT 1`,
        [walletAddress],
      );
      if (current !== undefined) {
        return { walletAddress, challenge: current.challenge, expiresAt: current.expires_at };
      }
      return this.write(tx, walletAddress);
    });
  }

  /** Whether the signature is one of a current challenge by that wallet; uses the challenge up. */
  async prove(tx: Transaction, walletAddress: string, signature: string): Promise<boolean> {
    const challenges = await tx.query<{ id: string; challenge: string }>(
      `SELECT id, challenge FROM wallet_challenges
        WHERE wallet_address = $1 AND expires_at > now() ORDER BY expires_at DESC LIMIT 10`,
      [walletAddress],
    );
    const signed = challenges.find(({ challenge }) => isSignedBy(walletAddress, challenge, signature));
    if (signed === undefined) return false;
    const used = await tx.query('DELETE FROM wallet_challenges WHERE id = $1 RETURNING id', [signed.id]);
    return used.length > 0;
  }

  private async write(tx: Transaction, walletAddress: string): Promise<ChallengeView> {
    const issuedAt = new Date();
    const expiresAt = new Date(issuedAt.getTime() + LIFE_MS);
    const challenge = [
      `${this.place} asks you to prove that this wallet is yours:`,
      walletAddress,
      '',
      'Signing this text costs nothing and moves nothing.',
      '',
      `Nonce: ${newSecret()}`,
      `Issued: ${issuedAt.toISOString()}`,
      `Expires: ${expiresAt.toISOString()}`,
    ].join('\n');
    await tx.query(
      'INSERT INTO wallet_challenges (id, wallet_address, challenge, expires_at) VALUES ($1, $2, $3, $4)',
      [newId(), walletAddress, challenge, expiresAt],
    );
    return { walletAddress, challenge, expiresAt };
  }
}
