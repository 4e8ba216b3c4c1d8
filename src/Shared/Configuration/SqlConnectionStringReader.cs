using System.Data.Common;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Configuration;

/// <summary>
/// Takes SQL_CONNECTION_STRING in SqlClient's form, or in the ODBC form that the older system used
/// (<c>Driver={ODBC Driver 18 for SQL Server};Server=…;Uid=…;Pwd=…</c>), which is translated.
/// </summary>
internal static class SqlConnectionStringReader
{
    private const string Setting = "SQL_CONNECTION_STRING";

    /// <summary>ODBC keywords that SqlClient spells otherwise; what it spells alike (Server, Database, Encrypt …) passes as it is.</summary>
    private static readonly Dictionary<string, string> s_odbcNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Uid"] = "User ID",
        ["Pwd"] = "Password",
        ["Addr"] = "Data Source",
        ["Address"] = "Data Source",
        ["APP"] = "Application Name",
        ["WSID"] = "Workstation ID",
        ["LoginTimeout"] = "Connect Timeout",
        ["MARS_Connection"] = "MultipleActiveResultSets",
        ["MultiSubnetFailover"] = "MultiSubnetFailover",
    };

    /// <summary>The connection string for SqlClient, or null when the setting is unset.</summary>
    /// <exception cref="SettingsException">It can be neither read nor translated.</exception>
    public static string? Read(string? value)
    {
        if (value is null)
        {
            return null;
        }

        try
        {
            var odbc = new DbConnectionStringBuilder(useOdbcRules: true) { ConnectionString = value };
            if (odbc.ContainsKey("Driver"))
            {
                return TranslateOdbc(odbc);
            }
        }
        catch (ArgumentException)
        {
            // Not by ODBC's quoting rules: SqlClient's own parser has the last word below.
        }

        try
        {
            return Check(new SqlConnectionStringBuilder(value));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
        {
            // SqlClient's message names the keyword that it does not know, which may be a piece of a password with an unquoted semicolon.
            throw new SettingsException(Setting, "not a connection string: a keyword is not known, a value is not of its kind, or a value that holds ; or = does not stand in quotes.");
        }
    }

    private static string TranslateOdbc(DbConnectionStringBuilder odbc)
    {
        var translated = new SqlConnectionStringBuilder();
        foreach (string name in odbc.Keys)
        {
            if (name.Equals("Driver", StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            // Braces are ODBC's quotes.
            string text = (string)odbc[name];
            text = text is ['{', .., '}'] ? text[1..^1].Replace("}}", "}", StringComparison.Ordinal) : text;
            try
            {
                translated[s_odbcNames.GetValueOrDefault(name, name)] = text;
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
            {
                throw new SettingsException(
                    Setting,
                    $"the ODBC keyword '{name}' can't be translated. Write instead: Server=tcp:SERVER.database.windows.net,1433;Database=DATABASE;User ID=USER;Password=PASSWORD;Encrypt=Mandatory");
            }
        }

        return Check(translated);
    }

    private static string Check(SqlConnectionStringBuilder builder) =>
        string.IsNullOrWhiteSpace(builder.DataSource) ? throw new SettingsException(Setting, "names no Server.")
        : string.IsNullOrWhiteSpace(builder.InitialCatalog) ? throw new SettingsException(Setting, "names no Database.")
        : builder.ConnectionString;
}
