import { Check, Column, Entity, ForeignKey } from 'typeorm';
import { CreatedAt, IdColumn } from '../database/columns';
import { PerformanceIndex } from '../database/indexes/performance-index';
import { ErcCertificate } from './erc-certificate.entity';

/** A change of a certificate's owner; together they are its chain of custody. */
@Entity('erc_certificate_transfers')
@PerformanceIndex('erc_certificate_transfers_of_certificate', {
  on: ['ercCertificateId', 'id'],
  serves: "a certificate's chain of custody",
  query: `SELECT id, from_user_id, to_user_id, created_at
    FROM erc_certificate_transfers
    WHERE erc_certificate_id = :erc_certificate_id
    ORDER BY id`,
})
@PerformanceIndex('erc_certificate_transfers_given', {
  on: ['fromUserId', 'id'],
  serves: 'what somebody gave away, newest first',
  query: `SELECT id, erc_certificate_id
    FROM erc_certificate_transfers
    WHERE from_user_id = :from_user_id
    ORDER BY id DESC LIMIT 50`,
})
@PerformanceIndex('erc_certificate_transfers_received', {
  on: ['toUserId', 'id'],
  serves: 'what somebody was given, newest first',
  query: `SELECT id, erc_certificate_id
    FROM erc_certificate_transfers
    WHERE to_user_id = :to_user_id
    ORDER BY id DESC LIMIT 50`,
})
@Check('erc_certificate_transfers_two_parties', 'from_user_id <> to_user_id')
export class ErcCertificateTransfer {
  @IdColumn()
  id: string;

  @Column('uuid')
  @ForeignKey(() => ErcCertificate)
  ercCertificateId: string;

  @Column('uuid')
  @ForeignKey('users')
  fromUserId: string;

  @Column('uuid')
  @ForeignKey('users')
  toUserId: string;

  @CreatedAt()
  createdAt: Date;
}
