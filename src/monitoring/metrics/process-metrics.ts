import { performance, type EventLoopUtilization } from 'node:perf_hooks';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import type { Gauge } from 'prom-client';
import { RELEASE } from '../../config/release';

const UTILISATION = 'nodejs_eventloop_utilization_ratio';
const BUILD_INFO = 'gridtokenx_build_info';

export const processMetricProviders = [
  makeGaugeProvider({
    name: UTILISATION,
    help: 'Share of the time since the last scrape in which the event loop was busy',
  }),
  makeGaugeProvider({
    name: BUILD_INFO,
    help: 'Always 1; the labels say what runs',
    labelNames: ['release', 'node'],
  }),
];

/** What prom-client's own metrics of the process (event-loop delay, garbage collection, memory) do not tell. */
@Injectable()
export class ProcessMetrics implements OnModuleInit {
  private before: EventLoopUtilization = performance.eventLoopUtilization();

  constructor(
    @InjectMetric(UTILISATION) private readonly utilisation: Gauge,
    @InjectMetric(BUILD_INFO) private readonly build: Gauge,
  ) {}

  onModuleInit(): void {
    this.build.set({ release: RELEASE, node: process.versions.node }, 1);
    Object.assign(this.utilisation, { collect: () => this.observe() });
  }

  private observe(): void {
    const now = performance.eventLoopUtilization();
    this.utilisation.set(performance.eventLoopUtilization(now, this.before).utilization);
    this.before = now;
  }
}
