using System.Reflection;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Transactions;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace FinanceIngest.Tests.Storage;

/// <summary>Parses every script and statement with SQL Server's own T-SQL grammar, without a server.</summary>
public sealed class SqlServerStatementTests
{
    public static TheoryData<string> Migrations => [.. MigrationScript.Of("SqlServer").Select(script => script.Name)];

    public static TheoryData<string, string> Statements
    {
        get
        {
            var data = new TheoryData<string, string>();
            IEnumerable<FieldInfo> constants = typeof(SqlServerDatabase).Assembly.GetTypes()
                .Where(type => type.Namespace == typeof(SqlServerDatabase).Namespace)
                .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
                .Where(constant => constant.IsLiteral && constant.Name.EndsWith("Sql", StringComparison.Ordinal));
            foreach (FieldInfo constant in constants)
            {
                data.Add($"{constant.DeclaringType!.Name}.{constant.Name}", (string)constant.GetRawConstantValue()!);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Migrations))]
    public void A_migration_is_valid(string name)
    {
        MigrationScript script = MigrationScript.Of("SqlServer").Single(script => script.Name == name);

        AssertParses(script.Sql);
        string[] batches = [.. SqlServerMigrator.Batches(script.Sql)];
        Assert.NotEmpty(batches);
        Assert.All(batches, AssertParses);
    }

    [Fact]
    public void The_roles_are_valid() => Assert.All(SqlServerMigrator.Batches(SqlServerMigrator.RolesScript), AssertParses);

    [Theory]
    [MemberData(nameof(Statements))]
    public void A_statement_is_valid(string name, string sql)
    {
        Assert.NotEmpty(name);
        AssertParses(sql);
        Assert.DoesNotContain("SELECT *", sql, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Every_store_has_its_statements_checked()
    {
        string[] checkedStores = [.. Statements.Select(row => row.Data.Item1.Split('.')[0]).Distinct().Order()];

        Assert.Equal(
            [
                nameof(OlderAttachments),
                nameof(OlderSystemUpgrade),
                nameof(SqlServerAlertOutbox),
                nameof(SqlServerBaselineStore),
                nameof(SqlServerCommandStore),
                nameof(SqlServerConflictStore),
                nameof(SqlServerDatabase),
                nameof(SqlServerDeliveryStatements),
                nameof(SqlServerHistoryStore),
                nameof(SqlServerInspector),
                nameof(SqlServerInstallationStore),
                nameof(SqlServerLearningStore),
                nameof(SqlServerMigrator),
                nameof(SqlServerNotificationDestinationStore),
                nameof(SqlServerOverviewStore),
                nameof(SqlServerPoisonStore),
                nameof(SqlServerReplayStore),
                nameof(SqlServerResultsStore),
                nameof(SqlServerRetentionStore),
                nameof(SqlServerScoringSql),
            ],
            checkedStores);
    }

    [Fact]
    public void The_anomaly_query_is_valid_with_every_combination_of_filters()
    {
        for (int mask = 0; mask < 64; mask++)
        {
            var filter = new AnomalyFilter(
                (mask & 1) == 0 ? null : 1, (mask & 2) == 0 ? null : 1,
                (mask & 4) == 0 ? null : DateTime.UnixEpoch, (mask & 8) == 0 ? null : DateTime.UnixEpoch,
                (mask & 32) == 0 ? null : new Money(1));
            AssertParses(SqlServerResultsStore.AnomaliesSql(filter, (mask & 16) == 0 ? null : default(AnomalyCursor)));
        }
    }

    [Fact]
    public void The_history_is_read_by_valid_statements_with_every_combination_of_filters()
    {
        for (int mask = 0; mask < 8; mask++)
        {
            var part = new HistoryPart(0, 100, 10)
            {
                UserId = (mask & 1) == 0 ? null : 1,
                From = (mask & 2) == 0 ? null : DateTime.UnixEpoch,
                To = (mask & 4) == 0 ? null : DateTime.UnixEpoch,
            };
            AssertParses(SqlServerReplayStore.RowsSql(part));
            AssertParses(SqlServerReplayStore.ShadowedSql(part));
        }
    }

    [Fact]
    public void The_history_query_is_valid_with_every_combination_of_filters()
    {
        for (int mask = 0; mask < 256; mask++)
        {
            var filter = new HistoryFilter(
                (mask & 1) == 0 ? null : 1, (mask & 2) == 0 ? null : 1, (mask & 4) == 0 ? null : TransactionStatus.Scored, (mask & 8) == 0 ? null : true,
                (mask & 16) == 0 ? null : new Money(1), (mask & 32) == 0 ? null : DateTime.UnixEpoch, (mask & 64) == 0 ? null : DateTime.UnixEpoch);
            AssertParses(SqlServerHistoryStore.HistorySql(filter, (mask & 128) == 0 ? null : default(AnomalyCursor)));
        }
    }

    [Fact]
    public void Go_separates_batches_only_on_a_line_of_its_own()
    {
        Assert.Equal(
            ["SELECT 1", "SELECT 'GO' -- GO"],
            SqlServerMigrator.Batches("SELECT 1\nGO\n\nSELECT 'GO' -- GO\n go \r\n\n").Select(batch => batch.Trim()));
    }

    private static void AssertParses(string sql)
    {
        using var reader = new StringReader(sql);
        new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out IList<ParseError> errors);
        Assert.Empty(errors.Select(error => $"line {error.Line}: {error.Message}"));
    }
}
