using System.Data.SqlTypes;
using System.Reflection;
using System.Text.RegularExpressions;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>What can be said without a server about the plans that SQL Server makes: the texts that decide them, and the order of the keys.</summary>
public sealed partial class SqlServerPlanTests
{
    private static readonly string s_schema = string.Concat(MigrationScript.Of("SqlServer").Select(script => script.Sql));

    private static readonly (string Name, string Sql)[] s_statements =
    [.. typeof(SqlServerDatabase).Assembly.GetTypes()
        .Where(type => type.Namespace == typeof(SqlServerDatabase).Namespace)
        .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
        .Where(constant => constant.IsLiteral && constant.Name.EndsWith("Sql", StringComparison.Ordinal))
        .Select(constant => ($"{constant.DeclaringType!.Name}.{constant.Name}", (string)constant.GetRawConstantValue()!))];

    /// <summary>The statements that take a table-valued parameter.</summary>
    public static TheoryData<string> WithTables => [.. s_statements.Where(item => TableParameter().IsMatch(item.Sql)).Select(item => item.Name)];

    [Theory]
    [MemberData(nameof(WithTables))]
    public void A_statement_with_a_table_of_rows_has_a_plan_for_each_size_of_table(string name)
    {
        (_, string sql) = s_statements.Single(item => item.Name == name);
        SizedSql sized = typeof(SqlServerDatabase).Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(SqlServerDatabase).Namespace && !type.ContainsGenericParameters)
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => field.FieldType == typeof(SizedSql))
            .Select(field => (SizedSql)field.GetValue(null)!)
            .Single(candidate => candidate.For(1) == sql);

        string[] texts = [.. new[] { 0, 1, 24, 25, 1000, 1001, 100_000 }.Select(sized.For)];

        Assert.Equal([sql, sql, sql, texts[3], texts[3], texts[5], texts[5]], texts);
        Assert.Equal(3, texts.Distinct().Count());
        Assert.All(texts, text => Assert.StartsWith(sql, text, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(WithTables))]
    public void Each_row_of_a_table_is_one_seek_and_no_plan_is_parallel(string name)
    {
        string sql = s_statements.Single(item => item.Name == name).Sql;

        // Each statement that reads the parameter ends with the hints before the next one begins.
        foreach (Match use in TableParameter().Matches(sql))
        {
            string rest = sql[use.Index..];
            int hints = rest.IndexOf("OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)", StringComparison.Ordinal);
            int end = rest.IndexOf(';', StringComparison.Ordinal);
            Assert.True(hints >= 0 && (end < 0 || hints < end), $"{name}: {rest[..Math.Min(rest.Length, 200)]}");
        }
    }

    [Fact]
    public void No_statement_looks_for_a_row_by_its_readable_id()
    {
        Assert.All(s_statements, item => Assert.DoesNotMatch(@"\b(transaction_id|alert_id)\b", item.Sql));
        Assert.DoesNotMatch(@"(INDEX|UNIQUE|PRIMARY KEY)[^;]*\([^)]*\b(transaction_id|alert_id)\b", s_schema);
    }

    [Fact]
    public void Every_key_of_an_id_is_of_bytes_in_the_order_of_its_text()
    {
        Assert.Empty(Regex.Matches(s_schema, @"^\s*(\w+) UNIQUEIDENTIFIER", RegexOptions.Multiline).Select(column => column.Groups[1].Value).Except(["owner"]));
        Assert.All(
            Regex.Matches(s_schema, @"^\s*(\w+_key) (\w+(\(\d+\))?)", RegexOptions.Multiline),
            column => Assert.Equal("BINARY(16)", column.Groups[2].Value));
    }

    [Fact]
    public void Successive_ids_ascend_as_the_indexes_of_both_engines_compare_them()
    {
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var ids = new IdCertifier("a signing key of the tests, long enough", time);
        var made = new List<Guid>();
        for (int i = 0; i < 1000; i++)
        {
            made.Add(ids.NewId());
            time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.All(made.Zip(made.Skip(1)), pair =>
        {
            byte[] first = SqlServerTables.Key(pair.First);
            byte[] second = SqlServerTables.Key(pair.Second);
            Assert.True(first.AsSpan().SequenceCompareTo(second) < 0, "SQLite's memcmp");
            Assert.True(new SqlBinary(first).CompareTo(new SqlBinary(second)) < 0, "SQL Server's BINARY(16)");
            Assert.True(string.CompareOrdinal(pair.First.ToString("D"), pair.Second.ToString("D")) < 0, "the text");
            Assert.Equal(pair.First, SqlServerRows.Id(first));
        });

        // What the keys are for: as UNIQUEIDENTIFIERs the same ids lie in no order.
        int ascending = made.Zip(made.Skip(1)).Count(pair => new SqlGuid(pair.First).CompareTo(new SqlGuid(pair.Second)) < 0);
        Assert.InRange(ascending, 350, 650);
    }

    [Fact]
    public void Every_table_that_writers_share_locks_rows_only()
    {
        string[] tables = [.. Regex.Matches(s_schema, @"^CREATE TABLE (\w+)", RegexOptions.Multiline).Select(table => table.Groups[1].Value)];

        Assert.Equal(
            tables.Except(["anomaly_stats_superseded", "installation"]).Order(),
            Regex.Matches(s_schema, @"ALTER TABLE (\w+) SET \(LOCK_ESCALATION = DISABLE\)").Select(table => table.Groups[1].Value).Order());
    }

    [Fact]
    public void Indexes_at_whose_end_all_writers_insert_say_so()
    {
        string[] ends =
        [
            "anomaly_transactions_pk", "anomaly_transactions_by_key", "anomaly_transactions_by_batch", "feed_batches_pk", "feed_batches_by_position",
            "alert_outbox_pk", "alert_outbox_by_transaction",
        ];

        Assert.All(ends, index => Assert.Matches($@"EXEC\('ALTER INDEX {index} ON \w+ SET \(OPTIMIZE_FOR_SEQUENTIAL_KEY = ON\)'\)", s_schema));
        Assert.Contains("name = 'optimize_for_sequential_key'", s_schema, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_others_hold_are_skipped_only_where_locks_are_read()
    {
        // https://learn.microsoft.com/sql/t-sql/queries/hints-transact-sql-table: with READ_COMMITTED_SNAPSHOT on, READPAST needs READCOMMITTEDLOCK.
        string[] hints = [.. s_statements.SelectMany(item => Regex.Matches(item.Sql, @"WITH \(([^)]*READPAST[^)]*)\)")).Select(match => match.Groups[1].Value)];

        Assert.NotEmpty(hints);
        Assert.All(hints, hint => Assert.Contains("READCOMMITTEDLOCK", hint, StringComparison.Ordinal));
    }

    [Fact]
    public void The_feed_is_read_below_the_oldest_open_transaction_and_looks_up_no_more_rows_than_a_page_has()
    {
        string sql = SqlServerResultsStore.ReadFeedSql;

        // What is open is asked before anything is read.
        Assert.True(sql.IndexOf("MIN_ACTIVE_ROWVERSION()", StringComparison.Ordinal) < sql.IndexOf("FROM feed_batches", StringComparison.Ordinal));
        Assert.Contains("WHERE position < @end", sql, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(sql, @"SELECT TOP \(@limit\) (o\.batch_id, )?o\.id FROM anomaly_transactions o WHERE o\.batch_id = "));
        Assert.Contains("CREATE UNIQUE CLUSTERED INDEX feed_batches_by_position ON feed_batches (position)", s_schema, StringComparison.Ordinal);
        Assert.DoesNotContain("feed_head", s_schema, StringComparison.Ordinal);
    }

    [GeneratedRegex("(FROM|JOIN) @(results|alerts|poison|ids|keys|rows)\\b")]
    private static partial Regex TableParameter();
}
