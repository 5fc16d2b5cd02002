/** How another tool opens a table: lines for a shell. */
export interface ReaderLine {
  readonly tool: string;
  /** What `pip install` has to be given. */
  readonly packages: readonly string[];
  readonly command: string;
}

/**
 * How to read a table that lies in a folder, by its log. A glob over the Parquet files would count those too that
 * compaction has replaced.
 */
export function readerLines(folder: string): ReaderLine[] {
  const table = `DeltaTable('${folder}')`;
  const query = "SELECT label, count(*) AS photos FROM rows GROUP BY label ORDER BY label";
  return [
    {
      tool: "pandas",
      packages: ["deltalake[pyarrow]", "pandas"],
      command: `python3 -c "from deltalake import DeltaTable; print(${table}.to_pandas().head())"`,
    },
    {
      tool: "DuckDB",
      packages: ["deltalake[pyarrow]", "duckdb"],
      command: `python3 -c "import duckdb; from deltalake import DeltaTable; rows = ${table}.to_pyarrow_dataset(); print(duckdb.sql('${query}'))"`,
    },
  ];
}
