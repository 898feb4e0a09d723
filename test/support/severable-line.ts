import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a port of loopback that can be cut for whoever goes by it, while others reach the port as before. */
export class SeverableLine {
  private readonly sockets = new Set<Socket>();
  private isCut = false;
  private readonly server = createServer((near) => this.join(near));

  private constructor(private port: number) {}

  static async to(port: number): Promise<SeverableLine> {
    const line = new SeverableLine(port);
    line.server.listen(0, '127.0.0.1');
    await once(line.server, 'listening');
    return line;
  }

  get url(): string {
    return this.urlOf('redis://127.0.0.1');
  }

  /** The same address by this way. */
  urlOf(direct: string): string {
    const url = new URL(direct);
    url.port = String((this.server.address() as AddressInfo).port);
    return url.toString();
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  /** Nothing comes over it any more for those who are on it, and nobody tells them; who comes later is served. */
  silence(): void {
    for (const socket of this.sockets) socket.unpipe().resume();
  }

  /** Who comes later is led to another port; who is on it stays where they are. */
  leadTo(port: number): void {
    this.port = port;
  }

  async stop(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    if (this.isCut) return void near.destroy();
    const far = connect(this.port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
