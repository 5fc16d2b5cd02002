/** What the system's refusals mean, and what to do about them. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not; change its permissions, or name another place",
  EPERM: "this user may not; change its permissions, or name another place",
  EROFS: "it is on a file system that can only be read; name another place",
  ENOSPC: "the disk is full; make room, and run the same command again",
  EDQUOT: "this user's share of the disk is full; make room, and run the same command again",
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is a file and not a folder",
  EISDIR: "it is a folder and not a file",
  EEXIST: "it exists already; remove it, or name another place",
  ENOTEMPTY: "it is not empty; name another folder",
  ENAMETOOLONG: "its name is too long",
  EMFILE: "too many files are open; raise the limit with ulimit -n",
  ENFILE: "too many files are open on this machine",
  EADDRINUSE: "another program has this port; stop it, or name another port",
  EADDRNOTAVAIL: "this machine has no such address",
};

/**
 * One sentence for an error of the system, with the path or the address it is about; undefined for any other error.
 * Libraries wrap such errors, so causes are looked through as well.
 */
export function describeSystemError(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, path, syscall, address, port } = cause as NodeJS.ErrnoException & { address?: string; port?: number };
    const reason = code === undefined ? undefined : REASONS[code];
    if (reason === undefined) continue;
    const place = path ?? (port === undefined ? undefined : `${address ?? "port"}:${port}`);
    const doing = [ACTIONS[syscall ?? ""] ?? syscall, place].filter((part) => part !== undefined).join(" ");
    return `can't ${doing || "go on"}: ${reason} (${code})`;
  }
  return undefined;
}

/** System calls by what a person calls them. */
const ACTIONS: Readonly<Record<string, string>> = {
  open: "open",
  mkdir: "make the folder",
  mkdtemp: "make a folder like",
  scandir: "list the folder",
  opendir: "list the folder",
  listen: "listen on",
  write: "write",
  read: "read",
  unlink: "remove",
  rmdir: "remove the folder",
  rename: "rename",
  stat: "look at",
  lstat: "look at",
  copyfile: "copy",
};
