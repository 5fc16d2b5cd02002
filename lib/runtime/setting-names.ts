import { editDistance, nearestNames } from "./nearest-names.ts";

/**
 * The name of every environment variable that the project reads, whichever service or command does: one shell exports for
 * all of them. Only a listed name can be declared as a setting, and a test holds the list to what is declared.
 */
export const SETTING_NAMES = [
  "LOG_LEVEL",
  "HTTP_HOST",
  "HTTP_PORT",
  "KAFKA_BROKERS",
  "S3_ENDPOINT",
  "S3_REGION",
  "S3_ACCESS_KEY_ID",
  "S3_SECRET_ACCESS_KEY",
  "S3_FORCE_PATH_STYLE",
  "TOPIC_PREFIX",
  "TOPIC_PARTITIONS",
  "TOPIC_PHOTOS_RETENTION_DAYS",
  "TOPIC_FEATURES_RETENTION_DAYS",
  "PHOTOS_BUCKET",
  "TABLE_PARTITION_BY",
  "TABLE_PARTITION_TIME",
  "TABLE_URI",
  "INGEST_PHOTO_BYTES_MAX",
  "INGEST_IN_FLIGHT_BYTES_MAX",
  "INGEST_CONNECTIONS_MAX",
  "INGEST_REQUEST_MS_MAX",
  "INGEST_UNLABELLED_FOLDERS",
  "FEATURIZER_MODEL_DIR",
  "FEATURIZER_GROUP",
  "FEATURIZER_BUCKETS",
  "FEATURIZER_RUN",
  "FEATURIZER_UNTIL",
  "FEATURIZER_NICE",
  "FEATURIZER_SESSION_MS",
  "FEATURIZER_WORKERS",
  "FEATURIZER_BATCH_PHOTOS_MAX",
  "FEATURIZER_BATCH_WAIT_MS_MAX",
  "FEATURIZER_FETCHES_MAX",
  "FEATURIZER_DECODES_MAX",
  "FEATURIZER_DECODER_PROCESSES_MAX",
  "FEATURIZER_DECODE_BYTES_MAX",
  "FEATURIZER_DECODE_MS_MAX",
  "FEATURIZER_JPEG_SCANS_MAX",
  "FEATURIZER_IN_FLIGHT_PHOTOS_MAX",
  "FEATURIZER_IN_FLIGHT_BYTES_MAX",
  "FEATURIZER_PHOTO_BYTES_MAX",
  "FEATURIZER_PHOTO_PIXELS_MAX",
  "FEATURIZER_DEAD_LETTERS_PERCENT_MAX",
  "FEATURIZER_COMMIT_MS",
  "REDUCER_GROUP",
  "REDUCER_UNTIL",
  "REDUCER_NICE",
  "REDUCER_SESSION_MS",
  "REDUCER_COMPONENTS",
  "REDUCER_PHOTO_VERSIONS_MAX",
  "REDUCER_PHOTO_VERSIONS_DAYS_MAX",
  "REDUCER_VECTOR_VALUES_MAX",
  "REDUCER_MODELS",
  "REDUCER_WINDOW_ROWS_MAX",
  "REDUCER_WINDOW_BYTES_MAX",
  "REDUCER_WINDOW_MS_MAX",
  "REDUCER_BASIS_ANGLE_DEGREES_MAX",
  "MAINTAINER_INTERVAL_MS",
  "MAINTAINER_QUIET_MS",
  "MAINTAINER_FILE_BYTES_MAX",
  "MAINTAINER_OPEN_FILES_MIN",
  "MAINTAINER_REPEATS_MS",
  "MAINTAINER_VACUUM_MS",
  "MAINTAINER_NICE",
  "FRUITSTREAM_STACK_DIR",
  "FRUITSTREAM_CACHE_DIR",
  "FRUITSTREAM_KAFKA_PORT",
  "FRUITSTREAM_KAFKA_CONTROLLER_PORT",
  "FRUITSTREAM_S3_PORT",
  "FRUITSTREAM_PYTHON",
] as const;

export type SettingName = (typeof SETTING_NAMES)[number];

/** What docker-compose.yml takes from the shell and no program of ours reads. */
export const COMPOSE_NAMES = ["INGEST_PORT"] as const;

/** Whoever sets a variable that begins so means us: every unknown one is most likely a misspelt setting. */
const OWN_PREFIXES = /^(S3|TOPIC|PHOTOS|TABLE|INGEST|FEATURIZER|REDUCER|MAINTAINER|FRUITSTREAM)_/;

/**
 * Prefixes that other software uses too, under names that no list could hold: Kafka's tools and images (`KAFKA_OPTS`,
 * `KAFKA_HEAP_OPTS`, `KAFKA_NODE_ID`), proxies (`HTTP_PROXY`), any program's log (`LOG_FILE`). A variable that begins so is
 * taken for one of ours only when it is misspelt by a letter or two.
 */
const SHARED_PREFIXES = /^(KAFKA|HTTP|LOG)_/;
const MISSPELT_EDITS_MAX = 2;

/**
 * What Kubernetes sets in every container for each service of its namespace, whatever that is called: `S3_SERVICE_HOST`,
 * `S3_SERVICE_PORT_HTTPS`, `S3_PORT_9000_TCP_ADDR`, and `S3_PORT`, which only its value tells from a misspelt setting.
 */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)$|_SERVICE_PORT_[A-Z0-9_]+$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

/** One sentence for each variable of our prefixes that no part of the project reads. Values are never shown. */
export function describeUnknownSettings(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env)
    .filter(([name, value]) => isUnknown(name, value))
    .map(([name]) => {
      const [nearest] = nearestNames(name, SETTING_NAMES, 1);
      return `${name} is not a setting; did you mean ${nearest}? Correct or unset it`;
    });
}

function isUnknown(name: string, value: string | undefined): boolean {
  if (KNOWN_NAMES.has(name) || isServiceLink(name, value)) return false;
  if (OWN_PREFIXES.test(name)) return true;
  return SHARED_PREFIXES.test(name) && SETTING_NAMES.some((known) => editDistance(name, known) <= MISSPELT_EDITS_MAX);
}

const KNOWN_NAMES: ReadonlySet<string> = new Set([...SETTING_NAMES, ...COMPOSE_NAMES]);

function isServiceLink(name: string, value = ""): boolean {
  return SERVICE_LINK.test(name) || (name.endsWith("_PORT") && SERVICE_LINK_VALUE.test(value));
}
