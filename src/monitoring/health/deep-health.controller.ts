import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Reserved, Roles } from '../../auth/decorators';
import { DeepHealthService } from './deep-health.service';

@ApiTags('admin')
@Controller('api/admin/health')
@Reserved()
@Roles('admin', 'operator', 'auditor')
export class DeepHealthController {
  constructor(private readonly health: DeepHealthService) {}

  /**
   * The deep check: each part of the server with what was found and, where it is not up, what to do. Not older than half a
   * minute. It is 200 whatever was found.
   */
  @Get()
  read() {
    return this.health.read();
  }
}
