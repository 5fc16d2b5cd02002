import { connect } from "node:net";

const METADATA_API = 3;

/** Understood by every broker since Kafka 1.0; the last version before the protocol's compact encodings. */
const METADATA_VERSION = 4;

const CORRELATION_ID = 1;
const ANSWER_MS_MAX = 2_000;

/**
 * Whether a Kafka broker at the address serves clients: it answers a Metadata request and lists at least one broker
 * that the controller has let in (https://kafka.apache.org/protocol). Never throws.
 */
export function kafkaAnswers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = Buffer.alloc(0);
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on("connect", () => socket.write(encodeMetadataRequest()));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= RESPONSE_HEAD_BYTES) socket.destroy();
    });
    // A refused or broken connection ends in "close" like any other.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(listsBroker(received)));
  });
}

/** Asks for no topic at all, so the answer is small. */
function encodeMetadataRequest(): Buffer {
  const request = Buffer.alloc(19);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA_API, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt32BE(CORRELATION_ID, 8);
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(0, 14); // no topics; the last byte forbids creating any
  return request;
}

/** The response begins with its length, the correlation id, the throttle time and the number of brokers, int32 each. */
const RESPONSE_HEAD_BYTES = 16;

function listsBroker(response: Buffer): boolean {
  return (
    response.length >= RESPONSE_HEAD_BYTES &&
    response.readInt32BE(4) === CORRELATION_ID &&
    response.readInt32BE(12) >= 1
  );
}
