import { Column, Entity } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';

/** A text that the owner of a wallet is asked to sign; good once, for five minutes. */
@Entity('wallet_challenges')
@PerformanceIndex('wallet_challenges_of_wallet', {
  on: ['walletAddress', 'expiresAt'],
  serves: 'the open challenges of a wallet',
  query: `SELECT id, challenge
    FROM wallet_challenges
    WHERE wallet_address = :wallet_address AND expires_at > :expires_at::timestamptz - interval '5 minutes'
    ORDER BY expires_at DESC LIMIT 10`,
})
@PerformanceIndex('wallet_challenges_expiry', {
  on: ['expiresAt'],
  serves: 'challenges that are over',
  query: `SELECT id
    FROM wallet_challenges
    WHERE expires_at < :expires_at::timestamptz
    ORDER BY expires_at LIMIT 1000`,
})
export class WalletChallenge {
  @IdColumn()
  id: string;

  @Column('text')
  walletAddress: string;

  @Column('text')
  challenge: string;

  @InstantColumn()
  expiresAt: Date;

  @CreatedAt()
  createdAt: Date;
}
