import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Reserved, Roles } from '../../auth/decorators';
import type { ChecklistAnswer } from './checklist';
import { ChecklistService } from './checklist.service';

@ApiTags('admin')
@Controller('api/admin/performance')
@Reserved()
@Roles('admin', 'operator', 'auditor')
export class ChecklistController {
  constructor(private readonly checklist: ChecklistService) {}

  /** Every box of the performance guides: `pass`, `warn` or `fail`, with what it was judged by and the mend. */
  @Get('checklist')
  read(): Promise<ChecklistAnswer> {
    return this.checklist.read();
  }
}
