/** The services' requests to S3, by what they are for. */
export const S3_REQUEST_CLASSES = [
  "get photo",
  "put photo",
  "put file",
  "put commit",
  "get commit",
  "list",
  "put moments",
  "get moments",
  "put photo versions",
  "get photo versions",
  "put table checkpoint",
  "get table checkpoint",
  "head",
  "other",
] as const;

export type S3RequestClass = (typeof S3_REQUEST_CLASSES)[number];

/** The class of a request with a path-style URL. */
export function classifyS3Request(method: string, url: string): S3RequestClass {
  const { pathname, searchParams } = new URL(url, "http://s3");
  const path = decodeURIComponent(pathname);
  if (method === "GET") return searchParams.has("list-type") ? "list" : classifyGet(path);
  if (method === "PUT") return classifyPut(path);
  return method === "HEAD" ? "head" : "other";
}

const COMMIT = /\/_delta_log\/\d{20}\.json$/;

function classifyGet(path: string): S3RequestClass {
  if (path.includes("/photos/")) return "get photo";
  if (path.includes("/_fruitstream/moments/")) return "get moments";
  if (path.includes("/_fruitstream/photo-versions/")) return "get photo versions";
  if (COMMIT.test(path)) return "get commit";
  return path.includes("/_delta_log/") ? "get table checkpoint" : "other";
}

function classifyPut(path: string): S3RequestClass {
  if (path.includes("/photos/")) return "put photo";
  if (path.includes("/_fruitstream/moments/")) return "put moments";
  if (path.includes("/_fruitstream/photo-versions/")) return "put photo versions";
  if (COMMIT.test(path)) return "put commit";
  if (path.includes("/_delta_log/")) return "put table checkpoint";
  return path.endsWith(".parquet") ? "put file" : "other";
}
