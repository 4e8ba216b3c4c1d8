using System.Data;
using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Sqlite;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>Compares the ways to write the rows of a batch on each engine, to choose that of the stores.</summary>
internal static class Writes
{
    private const string Columns =
        "transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count, occurred_at, accepted_at, "
            + "created_at, error, batch_id";

    private const string SqliteColumns =
        "transaction_id, user_id, category_id, amount, z_score, is_anomaly, status, reason, mean, std_dev, sample_count, occurred_at, accepted_at, "
            + "created_at, error";

    private const int ColumnCount = 15;
    private const int RowsPerInsert = 50;
    private const string Time = "2026-11-22T10:00:00.123456Z";

    // SQL Server finds rows by the bytes of their ids.
    private static readonly string s_keyColumns = Columns.Replace("transaction_id", "transaction_key", StringComparison.Ordinal);
    private static readonly string s_tableColumns = string.Join(", ", s_keyColumns.Split(", ").Select(column => $"r.{column}"));

    public static Benchmark Sqlite { get; } = new("writes-sqlite", "ways to insert a batch into SQLite", RunSqliteAsync);

    public static Benchmark SqlServer { get; } = new("writes-sqlserver", "ways to insert a batch into SQL Server", RunSqlServerAsync);

    private static async Task<Section> RunSqliteAsync(BenchContext context)
    {
        int count = context.Size(50_000);
        var ways = new (string Name, Action<SqliteConnection, Guid[]> Insert)[]
        {
            ("statement bound directly (the service's)", BoundDirectly),
            ("SqliteCommand, prepared", Prepared),
            ($"SqliteCommand, {RowsPerInsert} rows an INSERT", ManyRows),
            ("one JSON text, json_each", Json),
        };
        var installations = new List<Installation>();
        var contenders = new List<Contender>();
        foreach ((string name, Action<SqliteConnection, Guid[]> insert) in ways)
        {
            Installation installation = await Installation.CreateAsync(context.Folder, $"way{installations.Count}", 1, context.CancellationToken);
            installations.Add(installation);
            contenders.Add(new Contender(name, "rows/s", _ =>
            {
                using var connection = new SqliteConnection(
                    new SqliteConnectionStringBuilder { DataSource = installation.DatabasePath, Pooling = false }.ToString());
                connection.Open();
                Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
                Guid[] ids = NewIds(count);
                long start = Stopwatch.GetTimestamp();
                Execute(connection, "BEGIN IMMEDIATE");
                insert(connection, ids);
                Execute(connection, "COMMIT");
                return Task.FromResult(count / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }));
        }

        IReadOnlyList<Series> series = await context.TakeTurnsAsync([.. contenders]);
        installations.ForEach(installation => installation.Dispose());
        return new Section(
            "Ways to write a batch: SQLite",
            $"{count:N0} rows in one transaction into the service's tables with all their indexes, time-ordered ids, synchronous=FULL; each way has a "
                + "database of its own.",
            series,
            [.. series.Skip(1).Select(other => Ratio.Of($"bound directly against {other.Name}", series[0], other, null))],
            []);
    }

    private static void BoundDirectly(SqliteConnection connection, Guid[] ids)
    {
        // The session is not disposed, because that would close the caller's connection.
        var session = new SqliteSession(connection);
        using SqliteStatement insert = session.Prepare(
            $"INSERT INTO anomaly_transactions ({SqliteColumns}) SELECT {string.Join(", ", Enumerable.Range(1, ColumnCount).Select(i => $"?{i}"))} "
            + "WHERE NOT EXISTS (SELECT 1 FROM purged_transactions WHERE transaction_id = ?1) ON CONFLICT (transaction_id) DO NOTHING");
        DateTime time = DateTime.Parse(Time, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        foreach (Guid id in ids)
        {
            insert.Execute(id, 5, 7, 20_000_000, 1.5, 0, "scored", "scored", 2000.0, 500.0, 40, time, time, time, default);
        }
    }

    private static void Prepared(SqliteConnection connection, Guid[] ids) => Insert(connection, ids, 1);

    private static void ManyRows(SqliteConnection connection, Guid[] ids) => Insert(connection, ids, RowsPerInsert);

    private static void Insert(SqliteConnection connection, Guid[] ids, int rows)
    {
        using SqliteCommand insert = connection.CreateCommand();
        insert.CommandText = $"INSERT INTO anomaly_transactions ({SqliteColumns}) VALUES "
            + string.Join(
                ", ",
                Enumerable.Range(0, rows).Select(row => $"({string.Join(", ", Enumerable.Range(row * ColumnCount, ColumnCount).Select(i => $"@p{i}"))})"))
            + " ON CONFLICT (transaction_id) DO NOTHING";
        for (int i = 0; i < rows * ColumnCount; i++)
        {
            insert.Parameters.AddWithValue($"@p{i}", DBNull.Value);
        }

        insert.Prepare();
        foreach (Guid[] some in ids.Chunk(rows))
        {
            for (int row = 0; row < some.Length; row++)
            {
                object[] values = Values(some[row]);
                for (int i = 0; i < ColumnCount; i++)
                {
                    insert.Parameters[(row * ColumnCount) + i].Value = values[i];
                }
            }

            insert.ExecuteNonQuery();
        }
    }

    private static void Json(SqliteConnection connection, Guid[] ids)
    {
        using SqliteCommand insert = connection.CreateCommand();
        string values = string.Join(", ", Enumerable.Range(0, ColumnCount).Select(i => i == 0 ? "unhex(value ->> 0)" : $"value ->> {i}"));
        insert.CommandText = $"INSERT INTO anomaly_transactions ({SqliteColumns}) SELECT {values} "
            + "FROM json_each(@rows) WHERE true ON CONFLICT (transaction_id) DO NOTHING";
        insert.Parameters.AddWithValue(
            "@rows",
            JsonArray(ids, id => $"[\"{id:N}\",5,7,20000000,1.5,0,\"scored\",\"scored\",2000.0,500.0,40,\"{Time}\",\"{Time}\",\"{Time}\",null]"));
        insert.ExecuteNonQuery();
    }

    private static object[] Values(Guid id) =>
        [id.ToByteArray(bigEndian: true), 5L, 7L, 20_000_000L, 1.5, 0L, "scored", "scored", 2000.0, 500.0, 40L, Time, Time, Time, DBNull.Value];

    private static async Task<Section> RunSqlServerAsync(BenchContext context)
    {
        string server = SqlServerDatabase.Server ?? throw new NotMeasuredException($"{SqlServerDatabase.Setting} names no server");
        int count = context.Size(5_000);
        using Installation installation = await Installation.CreateAsync(context.Folder, "sql", 1, context.CancellationToken);
        await using SqlServerDatabase database = await SqlServerDatabase.CreateAsync(
            server, context.Folder, installation.Environment, context.CancellationToken);
        await using var connection = new SqlConnection(database.ConnectionString);
        await connection.OpenAsync(context.CancellationToken);
        string version = connection.ServerVersion;
        long batch = 0;
        Contender Way(string name, Func<Guid[], long, Task> insert) => new(name, "rows/s", async _ =>
        {
            Guid[] ids = NewIds(count);
            long start = Stopwatch.GetTimestamp();
            await insert(ids, ++batch);
            return count / Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            Way("table-valued parameter (the service's)", (ids, number) => TableAsync(connection, ids, number, context.CancellationToken)),
            Way("SqlBulkCopy to a temporary table, then INSERT", (ids, number) => BulkCopyAsync(connection, ids, number, context.CancellationToken)),
            Way("one JSON text, OPENJSON", (ids, number) => OpenJsonAsync(connection, ids, number, context.CancellationToken)));
        return new Section(
            "Ways to write a batch: SQL Server",
            $"{count:N0} rows in one transaction into the service's table with all its indexes, time-ordered ids, on the server that "
                + $"{SqlServerDatabase.Setting} names (version {version}).",
            series,
            [.. series.Skip(1).Select(other => Ratio.Of($"table-valued parameter against {other.Name}", series[0], other, null))],
            ["On a stand-in such as Babelfish this says what it costs there, and nothing about SQL Server."]);
    }

    private static string InsertFrom(string source) =>
        $"INSERT INTO anomaly_transactions ({s_keyColumns}) SELECT {s_tableColumns} FROM {source} r WHERE NOT EXISTS (SELECT 1 FROM anomaly_transactions t "
            + "WHERE t.transaction_key = r.transaction_key)";

    private static async Task TableAsync(SqlConnection connection, Guid[] ids, long batch, CancellationToken cancellationToken)
    {
        using DataTable rows = Table(ids, batch);
        rows.Columns.Remove("batch_id");
        rows.Columns.Add(new DataColumn("ordinal", typeof(int)) { DefaultValue = 0 });
        rows.Columns.Add(new DataColumn("is_candidate", typeof(bool)) { DefaultValue = true });
        rows.Columns["ordinal"]!.SetOrdinal(1);
        rows.Columns["is_candidate"]!.SetOrdinal(2);
        foreach (DataRow row in rows.Rows)
        {
            row["ordinal"] = 0;
            row["is_candidate"] = true;
        }

        await using SqlCommand insert = connection.CreateCommand();
        insert.CommandText = InsertFrom("@rows").Replace("r.batch_id", "@batch_id", StringComparison.Ordinal);
        insert.Parameters.Add(new SqlParameter("@rows", SqlDbType.Structured) { TypeName = "finance_results", Value = rows });
        insert.Parameters.AddWithValue("@batch_id", batch);
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task BulkCopyAsync(SqlConnection connection, Guid[] ids, long batch, CancellationToken cancellationToken)
    {
        using DataTable rows = Table(ids, batch);
        await ExecuteAsync(connection, $"SELECT {s_keyColumns} INTO #rows FROM anomaly_transactions WHERE 1 = 0", cancellationToken);
        using (var copy = new SqlBulkCopy(connection) { DestinationTableName = "#rows" })
        {
            await copy.WriteToServerAsync(rows, cancellationToken);
        }

        await ExecuteAsync(connection, $"{InsertFrom("#rows")}; DROP TABLE #rows", cancellationToken);
    }

    private static async Task OpenJsonAsync(SqlConnection connection, Guid[] ids, long batch, CancellationToken cancellationToken)
    {
        await using SqlCommand insert = connection.CreateCommand();
        insert.CommandText = InsertFrom(
            """
            OPENJSON(@rows) WITH (
                transaction_key VARBINARY(16) '$[0]', user_id BIGINT '$[1]', category_id BIGINT '$[2]', amount DECIMAL(19, 4) '$[3]',
                z_score FLOAT '$[4]', is_anomaly BIT '$[5]', status VARCHAR(16) '$[6]', reason VARCHAR(32) '$[7]', mean FLOAT '$[8]',
                std_dev FLOAT '$[9]', sample_count BIGINT '$[10]', occurred_at DATETIME2(6) '$[11]', accepted_at DATETIME2(6) '$[12]',
                created_at DATETIME2(6) '$[13]', error NVARCHAR(MAX) '$[14]', batch_id BIGINT '$[15]')
            """);
        const string time = "2026-11-22T10:00:00.123456";
        insert.Parameters.AddWithValue(
            "@rows",
            JsonArray(
                ids, id => $"[\"{Base64Key(id)}\",5,7,2000.0,1.5,0,\"scored\",\"scored\",2000.0,500.0,40,\"{time}\",\"{time}\",\"{time}\",null,{batch}]"));
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    private static DataTable Table(Guid[] ids, long batch)
    {
        var table = new DataTable();
        Type[] types =
        [
            typeof(byte[]), typeof(long), typeof(long), typeof(decimal), typeof(double), typeof(bool), typeof(string), typeof(string),
            typeof(double), typeof(double), typeof(long),
            typeof(DateTime), typeof(DateTime), typeof(DateTime), typeof(string), typeof(long),
        ];
        foreach ((string column, Type type) in s_keyColumns.Split(", ").Zip(types))
        {
            table.Columns.Add(column, type);
        }

        DateTime at = DateTime.Parse(Time, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        foreach (Guid id in ids)
        {
            table.Rows.Add(id.ToByteArray(bigEndian: true), 5L, 7L, 2000m, 1.5, false, "scored", "scored", 2000.0, 500.0, 40L, at, at, at, DBNull.Value, batch);
        }

        return table;
    }

    // OPENJSON reads bytes from base64.
    private static string Base64Key(Guid id) => Convert.ToBase64String(id.ToByteArray(bigEndian: true));

    private static string JsonArray(Guid[] ids, Func<Guid, string> row) => $"[{string.Join(',', ids.Select(row))}]";

    private static Guid[] NewIds(int count) => [.. Enumerable.Range(0, count).Select(_ => Installation.Ids.NewId())];

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static async Task ExecuteAsync(SqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using SqlCommand command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
