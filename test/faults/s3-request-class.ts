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
  if (method === "GET" && searchParams.has("list-type")) return "list";
  if (method === "GET" && path.includes("/photos/")) return "get photo";
  if (method === "PUT" && path.includes("/photos/")) return "put photo";
  if (method === "HEAD") return "head";
  if (path.includes("/_fruitstream/moments/")) return method === "PUT" ? "put moments" : "get moments";
  if (/\/_delta_log\/\d{20}\.json$/.test(path)) return method === "PUT" ? "put commit" : "get commit";
  if (path.includes("/_delta_log/")) return method === "PUT" ? "put table checkpoint" : "get table checkpoint";
  if (method === "PUT" && path.endsWith(".parquet")) return "put file";
  return "other";
}
