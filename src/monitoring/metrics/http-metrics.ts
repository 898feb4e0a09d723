import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Gauge } from 'prom-client';
import { HttpSeries } from './http-series';
import { makeSeriesHistogramProvider, type SeriesHistogram } from './series-histogram';

const DURATION = 'http_request_duration_seconds';
const IN_FLIGHT = 'http_requests_in_flight';

export const httpMetricProviders = [
  makeSeriesHistogramProvider({
    name: DURATION,
    help: 'Time from request to answer by method, route template and status; 499 where the client went away before it was answered',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  }),
  makeGaugeProvider({ name: IN_FLIGHT, help: 'Requests that are being answered' }),
];

/** nginx's status for a client that did not wait for its answer. */
const CLIENT_WENT_AWAY = 499;
const REQUEST = Symbol('request');

type Observed = FastifyRequest & { receivedAt?: number };
/** An answer that knows its request: so one listener serves all of them. */
type Answer = ServerResponse & { [REQUEST]?: Observed | undefined };

/** Times every request by the route's template, never the URL; what matches no route is one label. */
@Injectable()
export class HttpMetrics {
  private readonly series: HttpSeries;
  private readonly queues = new WeakMap<Socket, Set<Answer>>();
  private inFlight = 0;

  constructor(@InjectMetric(DURATION) duration: SeriesHistogram, @InjectMetric(IN_FLIGHT) gauge: Gauge) {
    this.series = new HttpSeries(duration);
    Object.assign(gauge, { collect: () => gauge.set(this.inFlight) });
  }

  /** To be called before whatever answers ahead of Nest's pipeline: the rate limits and the cache. */
  watch(fastify: FastifyInstance): void {
    const settle = (answer: Answer) => this.settle(answer);
    const onClose = function (this: Answer) {
      settle(this);
    };
    fastify.decorateRequest('receivedAt', 0);
    fastify.addHook('onRequest', (request: Observed, { raw }: { raw: Answer }, done) => {
      request.receivedAt = performance.now();
      raw[REQUEST] = request;
      this.inFlight++;
      // Fastify's onResponse knows of answers alone, and not of clients that went away.
      raw.on('close', onClose);
      if (raw.socket === null) this.queue(raw);
      done();
    });
  }

  private settle(answer: Answer): void {
    const request = answer[REQUEST];
    if (request === undefined) return;
    answer[REQUEST] = undefined;
    this.inFlight--;
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const status = answer.headersSent ? answer.statusCode : CLIENT_WENT_AWAY;
    const seconds = (performance.now() - (request.receivedAt as number)) / 1000;
    this.series.of(request.method, route, status).observe(seconds);
  }

  /** Node closes with a connection only the answer whose turn it is; those of pipelined requests that wait are forgotten. */
  private queue(answer: Answer): void {
    const { socket } = answer.req;
    let waiting = this.queues.get(socket);
    if (waiting === undefined) {
      const those = (waiting = new Set<Answer>());
      this.queues.set(socket, those);
      socket.once('close', () => those.forEach((one) => this.settle(one)));
    }
    const others = waiting.add(answer);
    answer.once('close', () => others.delete(answer));
  }
}
