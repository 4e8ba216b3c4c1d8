using System.Data.Common;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Configuration;

/// <summary>
/// Reads SQL_CONNECTION_STRING in SqlClient's form, and translates the ODBC form that the older system used
/// (<c>Driver={ODBC Driver 18 for SQL Server};Server=…;Uid=…;Pwd=…</c>).
/// </summary>
internal static class SqlConnectionStringReader
{
    private const string Setting = "SQL_CONNECTION_STRING";

    /// <summary>ODBC keywords that SqlClient spells differently. Keywords that both spell alike (Server, Database, Encrypt …) need no translation.</summary>
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

    /// <summary>Returns the connection string for SqlClient; null when the setting is unset.</summary>
    /// <exception cref="SettingsException">The value can be neither read nor translated.</exception>
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
            // The value breaks ODBC's quoting rules, so it can only be in SqlClient's form, which is read below.
        }

        try
        {
            return Check(new SqlConnectionStringBuilder(value));
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or KeyNotFoundException)
        {
            // SqlClient's message quotes the unknown keyword, which may be a piece of a password that has an unquoted semicolon.
            throw new SettingsException(
                Setting,
                "not a connection string: a keyword is unknown, a value has the wrong type, or a value that contains ; or = is not in quotes.");
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

            // ODBC quotes a value with braces.
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
                    $"the ODBC keyword '{name}' can't be translated. Write instead: "
                        + "Server=tcp:SERVER.database.windows.net,1433;Database=DATABASE;User ID=USER;Password=PASSWORD;Encrypt=Mandatory");
            }
        }

        return Check(translated);
    }

    private static string Check(SqlConnectionStringBuilder builder) =>
        string.IsNullOrWhiteSpace(builder.DataSource) ? throw new SettingsException(Setting, "names no Server.")
        : string.IsNullOrWhiteSpace(builder.InitialCatalog) ? throw new SettingsException(Setting, "names no Database.")
        : builder.ConnectionString;
}
