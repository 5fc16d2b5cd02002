import { setTimeout as sleepMs } from "node:timers/promises";
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from "testcontainers";
import type { StackEndpoints } from "#stack/endpoints.ts";
import { kafkaAnswers } from "#stack/kafka-probe.ts";
import { SINGLE_BROKER_PROPERTIES } from "#stack/kafka-process.ts";

/** The images of docker-compose.yml. */
const KAFKA_IMAGE = "apache/kafka:4.3.1";
const S3_IMAGE = "versity/versitygw:v1.8.0";

const KAFKA_PORT = 9092;
const S3_PORT = 7070;

const KAFKA_READY_MS_MAX = 90_000;
const POLL_MS = 100;

const S3_CREDENTIALS = { s3AccessKeyId: "fruitstream", s3SecretAccessKey: "fruitstream-local" } as const;

export interface StackContainers {
  readonly endpoints: StackEndpoints;
  stop(): Promise<void>;
}

/** Whether a Docker engine, or one that speaks its protocol, can be reached. */
export async function containersAvailable(): Promise<boolean> {
  return getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
}

/** Starts Kafka and S3 in containers, on ports that the engine picks. Throws when an image can't be had or run. */
export async function startStackContainers(): Promise<StackContainers> {
  const [kafka, s3] = await Promise.allSettled([startKafka(), startS3()]);
  const containers = [kafka, s3].flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const stop = async () => {
    await Promise.all(containers.map((container) => container.stop()));
  };
  if (kafka.status === "rejected" || s3.status === "rejected") {
    await stop();
    throw kafka.status === "rejected" ? kafka.reason : (s3 as PromiseRejectedResult).reason;
  }
  const endpoints: StackEndpoints = {
    kafkaBrokers: [`${kafka.value.getHost()}:${kafka.value.getMappedPort(KAFKA_PORT)}`],
    s3Endpoint: `http://${s3.value.getHost()}:${s3.value.getMappedPort(S3_PORT)}`,
    s3Region: "us-east-1",
    ...S3_CREDENTIALS,
    s3ForcePathStyle: true,
  };
  return { endpoints, stop };
}

const START_SCRIPT = "/tmp/start-kafka.sh";
const WAITING = "waiting for the start script";

/**
 * A broker tells its clients the address to come back to, which is known only once the engine has mapped the port. So
 * the container waits for a script, and the script carries the address.
 */
async function startKafka(): Promise<StartedTestContainer> {
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withExposedPorts(KAFKA_PORT)
    .withEnvironment(kafkaEnvironment())
    .withEntrypoint(["sh"])
    .withCommand(["-c", `echo ${WAITING}; until [ -f ${START_SCRIPT} ]; do sleep 0.1; done; exec sh ${START_SCRIPT}`])
    .withWaitStrategy(Wait.forLogMessage(WAITING))
    .start();
  try {
    const host = container.getHost();
    const port = container.getMappedPort(KAFKA_PORT);
    const advertised = `PLAINTEXT://${host}:${port},BROKER://localhost:9094`;
    const content = `export KAFKA_ADVERTISED_LISTENERS='${advertised}'\nexec /etc/kafka/docker/run\n`;
    await container.copyContentToContainer([{ content, target: START_SCRIPT, mode: 0o755 }]);
    await waitForKafka(host, port);
    return container;
  } catch (error) {
    await container.stop();
    throw error;
  }
}

/** The image takes `a.b.c` as `KAFKA_A_B_C`, and drops its own defaults when it is given any. */
function kafkaEnvironment(): Record<string, string> {
  const properties = {
    ...SINGLE_BROKER_PROPERTIES,
    "controller.quorum.voters": "1@localhost:9093",
    listeners: `PLAINTEXT://0.0.0.0:${KAFKA_PORT},BROKER://0.0.0.0:9094,CONTROLLER://0.0.0.0:9093`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "BROKER",
  };
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll(".", "_")}`,
      String(value),
    ]),
  );
}

async function waitForKafka(host: string, port: number): Promise<void> {
  const deadlineMs = Date.now() + KAFKA_READY_MS_MAX;
  while (!(await kafkaAnswers(host, port))) {
    if (Date.now() > deadlineMs) {
      const hint = "if the engine maps ports to another address, name it in TESTCONTAINERS_HOST_OVERRIDE";
      throw new Error(`${KAFKA_IMAGE} did not answer on ${host}:${port} within ${KAFKA_READY_MS_MAX} ms; ${hint}`);
    }
    await sleepMs(POLL_MS);
  }
}

/** The gateway keeps objects as files of the container, which end with it. */
function startS3(): Promise<StartedTestContainer> {
  return new GenericContainer(S3_IMAGE)
    .withExposedPorts(S3_PORT)
    .withEnvironment({
      ROOT_ACCESS_KEY_ID: S3_CREDENTIALS.s3AccessKeyId,
      ROOT_SECRET_ACCESS_KEY: S3_CREDENTIALS.s3SecretAccessKey,
      VGW_PORT: `:${S3_PORT}`,
      VGW_HEALTH: "/health",
      VGW_BACKEND: "posix",
      VGW_BACKEND_ARG: "/data",
    })
    .withEntrypoint(["sh"])
    .withCommand(["-c", "mkdir -p /data && exec /usr/local/bin/docker-entrypoint.sh"])
    .withWaitStrategy(Wait.forHttp("/health", S3_PORT))
    .start();
}
