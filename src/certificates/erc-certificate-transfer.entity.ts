import { Check, Column, Entity, ForeignKey, Index } from 'typeorm';
import { CreatedAt, IdColumn } from '../database/columns';
import { ErcCertificate } from './erc-certificate.entity';

/** A change of a certificate's owner; together they are its chain of custody. */
@Entity('erc_certificate_transfers')
@Index('erc_certificate_transfers_of_certificate', ['ercCertificateId', 'id'])
@Index('erc_certificate_transfers_given', ['fromUserId', 'id'])
@Index('erc_certificate_transfers_received', ['toUserId', 'id'])
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
