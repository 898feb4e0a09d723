import { Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Participants } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { readingsBodySchema, readingsQuery, statsQuery } from './dto/meter-requests';
import type { Upload } from './reading-upload';
import { ReadingsIntakeService } from './readings-intake.service';
import { ReadingsService } from './readings.service';
import { UploadedReadings } from './upload.decorator';

@ApiTags('meters')
@Controller('api/meters')
export class ReadingsController {
  constructor(
    private readonly intake: ReadingsIntakeService,
    private readonly readings: ReadingsService,
  ) {}

  /** Takes readings: one, many, or a stream of any length. A bad line never loses a good one. */
  @Post('readings')
  @Participants()
  @HttpCode(200)
  @ApiConsumes('application/json', 'application/x-ndjson', 'text/csv')
  @ApiBody({
    description:
      'JSON: one {meterSerial, intervalStart, intervalMinutes, generatedWh, consumedWh, quality?} or an array of them. ' +
      'NDJSON: one per line. CSV: a header with meter_serial, interval_start, interval_minutes, generated_wh, ' +
      'consumed_wh and, where known, quality, in any order.',
    schema: readingsBodySchema,
  })
  take(@CurrentUser() user: Principal, @UploadedReadings() upload: Upload) {
    return this.intake.take(user, upload);
  }

  /** Of one meter, or of all one's own; newest interval first. Those who see everything may name a user. */
  @Get('readings')
  list(
    @CurrentUser() user: Principal,
    @Query({ schema: readingsQuery }) query: z.output<typeof readingsQuery>,
  ) {
    return this.readings.list(user, query);
  }

  /** Sums over all one's readings, and by day in the time zone that the answer names. */
  @Get('stats')
  stats(
    @CurrentUser() user: Principal,
    @Query({ schema: statsQuery }) { userId }: z.output<typeof statsQuery>,
  ) {
    return this.readings.stats(user, userId);
  }
}
