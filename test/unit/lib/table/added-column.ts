import { utf8Column } from "#lib/table/arrow-columns.ts";
import { PHOTO_COLUMNS, type PhotoColumn } from "#lib/table/photo-columns.ts";
import type { PhotoRow } from "#lib/table/photo-row.ts";

const cameraOf = ({ sourceOffset }: PhotoRow) => `camera ${sourceOffset}`;

/** A column that a later version of this code would add, and what it would write there. */
export const CAMERA_COLUMN: PhotoColumn = {
  name: "camera_model",
  type: "string",
  addedLater: true,
  scalar: cameraOf,
  encode: (rows) => utf8Column(rows.map(cameraOf)),
};

/** What that version's files hold. */
export const LATER_COLUMNS: readonly PhotoColumn[] = [...PHOTO_COLUMNS, CAMERA_COLUMN];
