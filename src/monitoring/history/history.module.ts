import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HistoryService } from './history.service';
import { IndexSnapshot } from './index-snapshot.entity';
import { RecordedStatement } from './recorded-statement.entity';
import { ServerSnapshot } from './server-snapshot.entity';
import { StatementCounters } from './statement-counters.entity';
import { StatementSnapshot } from './statement-snapshot.entity';
import { TableSnapshot } from './table-snapshot.entity';

@Module({
  imports: [
    TypeOrmModule.forFeature([
      ServerSnapshot,
      StatementSnapshot,
      StatementCounters,
      RecordedStatement,
      TableSnapshot,
      IndexSnapshot,
    ]),
  ],
  providers: [HistoryService],
})
export class HistoryModule {}
