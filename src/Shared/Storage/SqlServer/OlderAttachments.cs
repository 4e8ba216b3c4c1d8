namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// What an operator had added to a table of the older system: indexes, rights, triggers and constraints. They go with the table when it is replaced. What
/// still fits the new one is put back; all of it is reported.
/// </summary>
/// <param name="table">The table's name, which the new one has too.</param>
internal sealed class OlderAttachments(string table)
{
    internal const string IndexesSql =
        """
        SELECT i.name, i.type_desc, CAST(i.is_unique AS INT), i.filter_definition, c.name, CAST(ic.is_descending_key AS INT), CAST(ic.is_included_column AS INT)
        FROM sys.indexes i
        JOIN sys.index_columns ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
        JOIN sys.columns c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
        WHERE i.object_id = OBJECT_ID(@table) AND i.is_primary_key = 0 AND i.name IS NOT NULL
        ORDER BY i.index_id, ic.is_included_column, ic.key_ordinal, ic.index_column_id
        """;

    internal const string RightsSql =
        """
        SELECT p.state_desc, p.permission_name, u.name, c.name
        FROM sys.database_permissions p
        JOIN sys.database_principals u ON u.principal_id = p.grantee_principal_id
        LEFT JOIN sys.columns c ON c.object_id = p.major_id AND c.column_id = p.minor_id AND p.minor_id > 0
        WHERE p.class = 1 AND p.major_id = OBJECT_ID(@table)
        ORDER BY u.name, p.permission_name, c.name
        """;

    internal const string OthersSql =
        """
        SELECT 'trigger', name FROM sys.triggers WHERE parent_id = OBJECT_ID(@table)
        UNION ALL SELECT 'check constraint', name FROM sys.check_constraints WHERE parent_object_id = OBJECT_ID(@table)
        UNION ALL SELECT 'foreign key', name FROM sys.foreign_keys WHERE parent_object_id = OBJECT_ID(@table)
        """;

    internal const string ReferencesSql =
        "SELECT name FROM sys.foreign_keys WHERE referenced_object_id = OBJECT_ID(@table) AND parent_object_id <> OBJECT_ID(@table)";

    private readonly List<Index> _indexes = [];
    private readonly List<Right> _rights = [];
    private readonly List<(string Kind, string Name)> _others = [];

    /// <summary>Reads what is attached to the table, before it is renamed.</summary>
    /// <param name="query">Runs a query about a table in the migration's transaction, and returns its rows as texts.</param>
    /// <exception cref="MigrationException">Another table refers to this one, which therefore can't be replaced.</exception>
    public async Task ReadAsync(Func<string, string, Task<IReadOnlyList<string?[]>>> query)
    {
        string[] references = [.. (await query(ReferencesSql, table)).Select(cells => cells[0]!)];
        if (references.Length > 0)
        {
            throw new MigrationException(
                $"The table {table} can't be replaced, because other tables refer to it: {string.Join(", ", references)}. "
                + "Nothing was changed; drop these foreign keys and run this again.");
        }

        foreach (IGrouping<string, string?[]> rows in (await query(IndexesSql, table)).GroupBy(cells => cells[0]!))
        {
            string?[] first = rows.First();
            _indexes.Add(new Index(
                rows.Key,
                first[1]!,
                first[2] == "1",
                first[3],
                [.. rows.Where(cells => cells[6] != "1").Select(cells => Quote(cells[4]!) + (cells[5] == "1" ? " DESC" : ""))],
                [.. rows.Where(cells => cells[6] == "1").Select(cells => Quote(cells[4]!))]));
        }

        _rights.AddRange((await query(RightsSql, table)).Select(cells => new Right(cells[0]!, cells[1]!, cells[2]!, cells[3])));
        _others.AddRange((await query(OthersSql, table)).Select(cells => (cells[0]!, cells[1]!)));
    }

    /// <summary>The statements that put back what fits, each with the words that report it; and the words for what does not fit.</summary>
    /// <param name="taken">Names of the new table's own indexes.</param>
    public (IReadOnlyList<(string Sql, string Words)> Fitting, IReadOnlyList<string> Others) Plan(IReadOnlyCollection<string> taken)
    {
        var fitting = new List<(string, string)>();
        var others = new List<string>();
        foreach (Index index in _indexes)
        {
            string words = $"index {index.Name} on {table} ({string.Join(", ", index.Keys)})";
            if (index.Type != "NONCLUSTERED" || taken.Contains(index.Name, StringComparer.OrdinalIgnoreCase))
            {
                others.Add(index.Type == "NONCLUSTERED" ? $"{words}: its name is one of this system's" : $"{words}: its kind is {index.Type}");
                continue;
            }

            // A unique index would refuse rows that this system writes.
            fitting.Add((
                $"CREATE INDEX {Quote(index.Name)} ON {table} ({string.Join(", ", index.Keys)})"
                    + (index.Included.Length > 0 ? $" INCLUDE ({string.Join(", ", index.Included)})" : "")
                    + (index.Filter is { Length: > 0 } filter ? $" WHERE {filter}" : ""),
                index.IsUnique ? $"{words}, no longer unique" : words));
        }

        foreach (Right right in _rights)
        {
            string on = right.Column is null ? table : $"{table} ({Quote(right.Column)})";
            string verb = right.State == "DENY" ? "DENY" : "GRANT";
            fitting.Add((
                $"{verb} {right.Permission} ON {on} TO {Quote(right.Grantee)}{(right.State == "GRANT_WITH_GRANT_OPTION" ? " WITH GRANT OPTION" : "")}",
                $"{verb} {right.Permission} ON {on} TO {right.Grantee}"));
        }

        others.AddRange(_others.Select(other => $"{other.Kind} {other.Name} on {table}"));
        return (fitting, others);
    }

    private static string Quote(string name) => $"[{name.Replace("]", "]]", StringComparison.Ordinal)}]";

    private sealed record Index(string Name, string Type, bool IsUnique, string? Filter, string[] Keys, string[] Included);

    private sealed record Right(string State, string Permission, string Grantee, string? Column);
}
