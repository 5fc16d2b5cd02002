/** Where S3 is and who asks. Without an endpoint it is AWS; without keys the SDK's default chain finds credentials. */
export interface S3Options {
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly forcePathStyle: boolean;
}

/** Bounds of the adapter's sockets and waits. None of its calls takes longer than `operationMsMax`. */
export interface S3Limits {
  /** Open connections; requests above it queue. Callers bound their own concurrency below it. */
  readonly socketsMax: number;
  /** Until a connection stands, the wait for a free socket included. */
  readonly connectMsMax: number;
  /** Silence on a connection, in the middle of a body too. */
  readonly idleMsMax: number;
  /** One call of the port, or one page of a listing, from request to the body's last byte, retries included. */
  readonly operationMsMax: number;
}
