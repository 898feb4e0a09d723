import { Column, Entity, Index } from 'typeorm';
import { CreatedAt, IdColumn, InstantColumn } from '../database/columns';

/** A text that the owner of a wallet is asked to sign; good once, for five minutes. */
@Entity('wallet_challenges')
@Index('wallet_challenges_of_wallet', ['walletAddress', 'expiresAt'])
@Index('wallet_challenges_expiry', ['expiresAt'])
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
