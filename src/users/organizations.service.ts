import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service';
import type { Principal } from '../auth/principal';
import { decodeCursor, pageOf, UUID_SHAPE, type Page, type PageRequest } from '../common/cursor';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import { violatedConstraint } from '../database/query-events';
import { OrganizationNameTaken } from './users.errors';

/** An organisation as the API shows it. */
export interface OrganizationView {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
}

interface OrganizationRow {
  id: string;
  name: string;
  created_at: Date;
}

const LAST = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** Companies, cooperatives and municipalities that users belong to. */
@Injectable()
export class OrganizationsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly audit: AuditService,
  ) {}

  /** @throws OrganizationNameTaken: names are unique without case */
  async create(admin: Principal, name: string): Promise<OrganizationView> {
    try {
      return await this.database.transaction(async (tx) => {
        const rows = await tx.query<OrganizationRow>(
          'INSERT INTO organizations (id, name) VALUES ($1, $2) RETURNING id, name, created_at',
          [newId(), name],
        );
        const organization = organizationView(rows[0] as OrganizationRow);
        const { id: entityId } = organization;
        this.audit.record(tx, admin, {
          action: 'organization.created',
          entity: 'organizations',
          entityId,
          after: { name },
        });
        return organization;
      });
    } catch (error) {
      if (violatedConstraint(error) === 'organizations_name') throw new OrganizationNameTaken();
      throw error;
    }
  }

  /** Newest first. */
  async list({ limit, cursor }: PageRequest): Promise<Page<OrganizationView>> {
    const [before = LAST] = cursor === undefined ? [] : decodeCursor(cursor, [UUID_SHAPE]);
    const rows = await this.database.query<OrganizationRow>(
      'SELECT id, name, created_at FROM organizations WHERE id < $1 ORDER BY id DESC LIMIT $2',
      [before, limit + 1],
    );
    return pageOf(rows, limit, ({ id }) => [id], organizationView);
  }
}

function organizationView({ id, name, created_at: createdAt }: OrganizationRow): OrganizationView {
  return { id, name, createdAt };
}
