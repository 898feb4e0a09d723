import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { InjectMetric, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Gauge, Histogram } from 'prom-client';

const DURATION = 'http_request_duration_seconds';
const IN_FLIGHT = 'http_requests_in_flight';

export const httpMetricProviders = [
  makeHistogramProvider({
    name: DURATION,
    help: 'Time from request to answer by method, route template and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  }),
  makeGaugeProvider({ name: IN_FLIGHT, help: 'Requests that are being answered' }),
];

type Series = ReturnType<Histogram['labels']>;
type Observed = FastifyRequest & { isInFlight?: boolean };

/** Times every request by the route's template, never the URL; what matches no route is one label. */
@Injectable()
export class HttpMetrics implements OnModuleInit {
  /** By route, method and status: there are as many as the API has, and looking one up by its labels takes longer. */
  private readonly series = new Map<string, Map<string, Series>>();
  private inFlight = 0;

  constructor(
    private readonly adapter: HttpAdapterHost,
    @InjectMetric(DURATION) private readonly duration: Histogram,
    @InjectMetric(IN_FLIGHT) gauge: Gauge,
  ) {
    Object.assign(gauge, { collect: () => gauge.set(this.inFlight) });
  }

  onModuleInit(): void {
    const fastify = this.adapter.httpAdapter.getInstance<FastifyInstance>();
    // Not those that are answered before they come this far: by a limit, or from the cache.
    fastify.decorateRequest('isInFlight', false);
    fastify.addHook('onRequest', (request: Observed, _reply, done) => {
      request.isInFlight = true;
      this.inFlight++;
      done();
    });
    fastify.addHook('onResponse', (request: Observed, reply, done) => {
      if (request.isInFlight === true) this.inFlight--;
      this.seriesOf(request, reply).observe(reply.elapsedTime / 1000);
      done();
    });
  }

  private seriesOf(request: FastifyRequest, { statusCode }: FastifyReply): Series {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    let ofRoute = this.series.get(route);
    if (ofRoute === undefined) this.series.set(route, (ofRoute = new Map<string, Series>()));
    const key = `${request.method}${statusCode}`;
    let found = ofRoute.get(key);
    if (found === undefined) {
      found = this.duration.labels(request.method, route, String(statusCode));
      ofRoute.set(key, found);
    }
    return found;
  }
}
