using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using Microsoft.Data.SqlClient;
using Microsoft.Data.SqlClient.Server;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace FinanceIngest.Tests.Storage;

/// <summary>The table types of the migrations beside the programs that fill them; needs no server.</summary>
public sealed class SqlServerTypeTests
{
    private static readonly TypeStatements s_types = ReadMigrations();

    public static TheoryData<string> Parameters => [.. Tables().Keys];

    [Theory]
    [MemberData(nameof(Parameters))]
    public void A_table_valued_parameter_has_the_columns_of_its_type_in_their_order(string name)
    {
        using var command = new SqlCommand();
        Tables()[name].AddParameter(command, "rows");
        SqlParameter parameter = Assert.Single(command.Parameters.Cast<SqlParameter>());

        SqlDataRecord record = Assert.IsAssignableFrom<IEnumerable<SqlDataRecord>>(parameter.Value).First();

        Assert.Equal(
            s_types.Created[parameter.TypeName].Select(column => column.ColumnIdentifier.Value),
            Enumerable.Range(0, record.FieldCount).Select(record.GetName));
    }

    [Theory]
    [MemberData(nameof(Parameters))]
    public void A_table_valued_parameter_has_no_null_where_its_type_allows_none(string name)
    {
        using var command = new SqlCommand();
        Tables()[name].AddParameter(command, "rows");
        SqlParameter parameter = command.Parameters[0];
        SqlDataRecord record = ((IEnumerable<SqlDataRecord>)parameter.Value!).First();

        string[] required = [.. s_types.Created[parameter.TypeName]
            .Where(column => column.Constraints.OfType<NullableConstraintDefinition>().Any(constraint => !constraint.Nullable))
            .Select(column => column.ColumnIdentifier.Value)];

        Assert.All(required, column => Assert.False(record.IsDBNull(record.GetOrdinal(column)), column));
    }

    [Fact]
    public void No_migration_drops_a_type_because_older_programs_run_beside_the_newer_schema() => Assert.Empty(s_types.Dropped);

    [Fact]
    public void The_roles_of_those_who_write_alerts_may_use_the_older_type_and_the_newer_one()
    {
        Assert.All(
            new[] { "finance_alerts", "finance_traced_alerts" },
            type => Assert.Contains(
                $"GRANT EXECUTE ON TYPE::{type} TO finance_ingest_worker, finance_ingest_operator;", SqlServerMigrator.RolesScript, StringComparison.Ordinal));
    }

    // Each has as little in it as a row may have.
    private static Dictionary<string, SqlMapper.ICustomQueryParameter> Tables() => new()
    {
        [nameof(SqlServerTables.Ids)] = SqlServerTables.Ids([Guid.NewGuid()]),
        [nameof(SqlServerTables.BaselineKeys)] = SqlServerTables.BaselineKeys([new BaselineKey(1, 2)]),
        [nameof(SqlServerTables.Baselines)] = SqlServerTables.Baselines([new BaselineRow(new BaselineKey(1, 2), new Baseline(1, 1, 10))]),
        [nameof(SqlServerTables.Results)] = SqlServerTables.Results([Sample.Failed()]),
        [nameof(SqlServerTables.Alerts)] = SqlServerTables.Alerts([Sample.Alert(Sample.Anomaly()) with { TraceParent = null }]),
        [nameof(SqlServerTables.Poison)] = SqlServerTables.Poison([Sample.Poison("m") with { Exception = null, TraceParent = null }]),
    };

    private static TypeStatements ReadMigrations()
    {
        var types = new TypeStatements();
        foreach (MigrationScript script in MigrationScript.Of("SqlServer"))
        {
            using var reader = new StringReader(script.Sql);
            new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out _).Accept(types);
        }

        return types;
    }

    private sealed class TypeStatements : TSqlFragmentVisitor
    {
        public Dictionary<string, IList<ColumnDefinition>> Created { get; } = [];

        public List<string> Dropped { get; } = [];

        public override void Visit(CreateTypeTableStatement node) => Created.Add(node.Name.BaseIdentifier.Value, node.Definition.ColumnDefinitions);

        public override void Visit(DropTypeStatement node) => Dropped.Add(node.Name.BaseIdentifier.Value);
    }
}
