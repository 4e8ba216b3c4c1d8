using Dapper;
using FinanceIngest.Baselines;
using FinanceIngest.Storage;
using FinanceIngest.Storage.SqlServer;
using Microsoft.Data.SqlClient;
using Microsoft.Data.SqlClient.Server;
using Microsoft.SqlServer.TransactSql.ScriptDom;

namespace FinanceIngest.Tests.Storage;

/// <summary>Compares the migrations' table types with the code that fills them, without a server.</summary>
public sealed class SqlServerTypeTests
{
    private static readonly SchemaStatements s_schema = ReadMigrations();

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
            s_schema.Types[parameter.TypeName].Select(column => column.ColumnIdentifier.Value),
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

        string[] required = [.. s_schema.Types[parameter.TypeName]
            .Where(IsRequired)
            .Select(column => column.ColumnIdentifier.Value)];

        Assert.All(required, column => Assert.False(record.IsDBNull(record.GetOrdinal(column)), column));
    }

    [Fact]
    public void Older_programs_run_beside_the_newer_schema_because_no_migration_drops_a_type_or_adds_a_column_that_must_be_filled()
    {
        Assert.Empty(s_schema.DroppedTypes);
        Assert.All(s_schema.AddedColumns, column => Assert.True(column.DefaultConstraint is not null || !IsRequired(column), column.ColumnIdentifier.Value));
    }

    [Fact]
    public void Every_type_may_be_used_by_some_role() => Assert.All(
        s_schema.Types.Keys,
        type => Assert.Contains($"GRANT EXECUTE ON TYPE::{type} TO finance_ingest_", SqlServerMigrator.RolesScript, StringComparison.Ordinal));

    // Each table holds one row with as few values as a row may have.
    private static Dictionary<string, SqlMapper.ICustomQueryParameter> Tables() => new()
    {
        [nameof(SqlServerTables.Ids)] = SqlServerTables.Ids([Guid.NewGuid()]),
        [nameof(SqlServerTables.BaselineKeys)] = SqlServerTables.BaselineKeys([new BaselineKey(1, 2)]),
        [nameof(SqlServerTables.Baselines)] = SqlServerTables.Baselines([new BaselineRow(new BaselineKey(1, 2), new Baseline(1, 1, 10))]),
        [nameof(SqlServerTables.Results)] = SqlServerTables.Results([Sample.Failed()]),
        [nameof(SqlServerTables.Alerts)] = SqlServerTables.Alerts([Sample.Alert(Sample.Anomaly()) with { TraceParent = null }]),
        [nameof(SqlServerTables.Poison)] = SqlServerTables.Poison([Sample.Poison("m") with { Exception = null, TraceParent = null }]),
    };

    private static bool IsRequired(ColumnDefinition column) =>
        column.Constraints.OfType<NullableConstraintDefinition>().Any(constraint => !constraint.Nullable);

    private static SchemaStatements ReadMigrations()
    {
        var schema = new SchemaStatements();
        foreach (MigrationScript script in MigrationScript.Of("SqlServer"))
        {
            using var reader = new StringReader(script.Sql);
            new TSql160Parser(initialQuotedIdentifiers: true).Parse(reader, out _).Accept(schema);
        }

        return schema;
    }

    private sealed class SchemaStatements : TSqlFragmentVisitor
    {
        public Dictionary<string, IList<ColumnDefinition>> Types { get; } = [];

        public List<string> DroppedTypes { get; } = [];

        public List<ColumnDefinition> AddedColumns { get; } = [];

        public override void Visit(CreateTypeTableStatement node) => Types.Add(node.Name.BaseIdentifier.Value, node.Definition.ColumnDefinitions);

        public override void Visit(DropTypeStatement node) => DroppedTypes.Add(node.Name.BaseIdentifier.Value);

        public override void Visit(AlterTableAddTableElementStatement node) => AddedColumns.AddRange(node.Definition.ColumnDefinitions);
    }
}
