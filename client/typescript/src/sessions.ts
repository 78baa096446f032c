import type { ClientHttp2Stream } from "node:http2";
import { Http2SessionManager } from "@connectrpc/connect-node";

/**
 * The connection to a server. Connect's own no longer listens to one that a new call or `abort` has given up; when that one was just being
 * ended by the server, its error would be nobody's, and end the process.
 */
export class Sessions extends Http2SessionManager {
  readonly #known = new WeakSet<object>();

  override async request(...given: Parameters<Http2SessionManager["request"]>): Promise<ClientHttp2Stream> {
    const stream = await super.request(...given);
    const { session } = stream;
    if (session !== undefined && !this.#known.has(session)) {
      this.#known.add(session);
      session.on("error", () => undefined);
    }
    return stream;
  }
}
