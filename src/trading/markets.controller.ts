import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { CurrentUser, Public, Roles } from '../auth/decorators';
import type { Principal } from '../auth/principal';
import { HttpCache } from '../cache/http/http-cache.decorator';
import { byMarket, depthQuery, marketBody, marketChange, marketsQuery, tradesQuery } from './dto/market.dto';
import { MarketDataService } from './market-data.service';
import { MarketsService } from './markets.service';
import { depthOverHttp, marketOverHttp, marketsOverHttp } from './trading.cache';

@ApiTags('trading')
@Controller('api/trading')
export class MarketsController {
  constructor(
    private readonly markets: MarketsService,
    private readonly data: MarketDataService,
  ) {}

  @Post('markets')
  @Roles('admin')
  create(@CurrentUser() admin: Principal, @Body({ schema: marketBody }) body: z.output<typeof marketBody>) {
    return this.markets.create(admin, body);
  }

  /** Halts or resumes a market; a halted one takes cancellations only. */
  @Patch('markets/:market')
  @Roles('admin')
  change(
    @CurrentUser() admin: Principal,
    @Param({ schema: byMarket }) { market }: z.output<typeof byMarket>,
    @Body({ schema: marketChange }) { status }: z.output<typeof marketChange>,
  ) {
    return this.markets.changeStatus(admin, market, status);
  }

  /** Every market with its last price and its last 24 hours. */
  @Get('markets')
  @Public()
  @HttpCache(marketsOverHttp)
  list(@Query({ schema: marketsQuery }) query: z.output<typeof marketsQuery>) {
    return this.data.list(query);
  }

  @Get('markets/:market')
  @Public()
  @HttpCache(marketOverHttp)
  one(@Param({ schema: byMarket }) { market }: z.output<typeof byMarket>) {
    return this.data.one(market);
  }

  @Get('orderbook/:market')
  @Public()
  @HttpCache(depthOverHttp)
  book(
    @Param({ schema: byMarket }) { market }: z.output<typeof byMarket>,
    @Query({ schema: depthQuery }) { depth }: z.output<typeof depthQuery>,
  ) {
    return this.data.book(market, depth);
  }

  /** Trades without names, of one market or of all, newest first. */
  @Get('trades')
  @Public()
  trades(@Query({ schema: tradesQuery }) query: z.output<typeof tradesQuery>) {
    return this.data.trades(query);
  }
}
