import { readTiffStructure, type TiffDirectory } from "./header/tiff-directory.ts";

/** An instant that a photo names, and how it comes to it. */
export interface CaptureTime {
  /** Milliseconds since the Unix epoch, UTC. */
  readonly ms: number;
  /**
   * - `exif`: the camera's clock with its offset from UTC.
   * - `exif-gps`: the camera's clock, with the offset that follows from the clock of GPS.
   * - `exif-local`: the camera's clock without any offset, taken as UTC; up to 14 hours off.
   */
  readonly source: "exif" | "exif-gps" | "exif-local";
}

/**
 * When a photo was taken: EXIF's DateTimeOriginal with OffsetTimeOriginal (Exif 3.0, sections 4.6.6.6 and 4.6.7). Without
 * an offset, it follows from the GPS clock, which is UTC, as a whole number of quarters of an hour; without either the
 * camera's clock is taken as UTC and says so. DateTime is the last edit and never counts.
 *
 * @param exif a TIFF structure, or undefined.
 * @param nowMs a time by which the photo existed: cameras whose clock was never set, or is ahead of it, name no time.
 * @returns undefined where EXIF names no time, or an absurd one.
 */
export function readCaptureTime(exif: Uint8Array | undefined, nowMs: number): CaptureTime | undefined {
  const structure = exif && readTiffStructure(exif);
  const first = structure?.directory(structure.first);
  const photo = structure?.directory(first?.number(EXIF_DIRECTORY) ?? 0);
  if (!structure || !first || !photo) return undefined;
  const localMs = readClock(photo.text(DATE_TIME_ORIGINAL), photo.text(SUBSECONDS_ORIGINAL));
  if (localMs === undefined) return undefined;

  const offsetMs = readOffset(photo.text(OFFSET_TIME_ORIGINAL));
  const gpsMs = readGpsClock(structure.directory(first.number(GPS_DIRECTORY) ?? 0));
  const time = instantOf(localMs, offsetMs, gpsMs);
  return time.ms >= EARLIEST_MS && time.ms <= nowMs + AHEAD_MS_MAX ? time : undefined;
}

const EXIF_DIRECTORY = 34_665;
const GPS_DIRECTORY = 34_853;
const DATE_TIME_ORIGINAL = 36_867;
const OFFSET_TIME_ORIGINAL = 36_881;
const SUBSECONDS_ORIGINAL = 37_521;
const GPS_TIME = 7;
const GPS_DATE = 29;

/** The first digital cameras. What names an earlier time is a clock that was never set, or a scan of another age. */
const EARLIEST_MS = Date.UTC(1990, 0, 1);
/** Clocks run ahead; and without an offset, local time does by up to 14 hours. */
const AHEAD_MS_MAX = 24 * 3_600_000;
const QUARTER_MS = 900_000;
/** Offsets in use reach from -12:00 to +14:00. */
const OFFSET_MS_MAX = 14 * 3_600_000;
/** GPS clocks are read up to a few minutes before the shutter; a larger rest means a stale fix. */
const GPS_REST_MS_MAX = 5 * 60_000;

function instantOf(localMs: number, offsetMs: number | undefined, gpsMs: number | undefined): CaptureTime {
  if (offsetMs !== undefined) return { ms: localMs - offsetMs, source: "exif" };
  if (gpsMs !== undefined) {
    const quarters = Math.round((localMs - gpsMs) / QUARTER_MS) * QUARTER_MS;
    const isPlausible = Math.abs(quarters) <= OFFSET_MS_MAX && Math.abs(localMs - gpsMs - quarters) <= GPS_REST_MS_MAX;
    if (isPlausible) return { ms: localMs - quarters, source: "exif-gps" };
  }
  return { ms: localMs, source: "exif-local" };
}

/** "2023:07:14 02:15:12" and "250" as if they were UTC; undefined for blanks, zeros and days that no calendar has. */
function readClock(text: string | undefined, subseconds: string | undefined): number | undefined {
  const match = /^(\d{4})[:/-](\d{2})[:/-](\d{2})[ T](\d{2}):(\d{2}):(\d{2})/.exec(text ?? "");
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(ms);
  // Of years below 100 `Date.UTC` makes others.
  const isInCalendar =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour;
  if (!isInCalendar || minute > 59 || second > 60) return undefined;
  const digits = /^\s*(\d{1,9})/.exec(subseconds ?? "")?.[1];
  return ms + (digits ? Math.floor(1_000 * Number(`0.${digits}`)) : 0);
}

/** "+05:30" in milliseconds; also "Z". */
function readOffset(text: string | undefined): number | undefined {
  if (text?.trim() === "Z") return 0;
  const match = /^\s*([+-])(\d{2}):?(\d{2})/.exec(text ?? "");
  if (!match) return undefined;
  const ms = (Number(match[2]) * 60 + Number(match[3])) * 60_000;
  return ms <= OFFSET_MS_MAX && Number(match[3]) < 60 ? (match[1] === "-" ? -ms : ms) : undefined;
}

function readGpsClock(gps: TiffDirectory | undefined): number | undefined {
  const [hour, minute, second] = gps?.numbers(GPS_TIME) ?? [];
  const day = /^(\d{4})[:-](\d{2})[:-](\d{2})/.exec(gps?.text(GPS_DATE) ?? "");
  if (!day || hour === undefined || minute === undefined || second === undefined) return undefined;
  const ms =
    Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3])) + 1_000 * (3_600 * hour + 60 * minute + second);
  return Number.isFinite(ms) && hour < 24 && minute < 60 && second <= 60 ? ms : undefined;
}
