using System.Text;
using FinanceIngest.Configuration;
using FinanceIngest.Fuzz.Engine;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Fuzz.Targets;

/// <summary><c>SQL_CONNECTION_STRING</c>, also in ODBC's form.</summary>
internal sealed class SqlConnectionTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "sql-connection";

    /// <inheritdoc/>
    public override string Properties =>
        "read, or refused with one line that names the setting; the result reads as itself; a password survives the translation from ODBC";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        ";", "=", "{", "}", "}}", "'", "\"", "Driver={ODBC Driver 18 for SQL Server};", "Server=tcp:s.database.windows.net,1433;", "Database=d;",
        "Uid=u;", "Pwd={p;w};", "Encrypt=yes;", "TrustServerCertificate=no;", "Connection Timeout=30;",
        "LoginTimeout=99999999999;", "User ID=", "Password=", "Authentication=ActiveDirectoryMsi;", "Connect Timeout=-1;",
        "MultipleActiveResultSets=maybe;", "Application Name=x;", "Trusted_Connection=yes;", "Packet Size=1;", "==",
    ];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        PasswordSurvives(text);
        string? read;
        try
        {
            read = SqlConnectionStringReader.Read(text);
        }
        catch (SettingsException e)
        {
            Property.Holds(
                e.Message.StartsWith("SQL_CONNECTION_STRING: ", StringComparison.Ordinal) && !e.Message.AsSpan().ContainsAny('\r', '\n'),
                "a refusal is one line that names the setting",
                $"{e.Message}");
            return $"refused {Texts.Shape(e.Message)}";
        }

        var builder = new SqlConnectionStringBuilder(read);
        Property.Holds(
            !string.IsNullOrWhiteSpace(builder.DataSource) && !string.IsNullOrWhiteSpace(builder.InitialCatalog),
            "server and database are named",
            $"{read}");
        Property.Same(builder.ConnectionString, SqlConnectionStringReader.Read(read), "what comes out is taken as it is");
        return $"read {builder.Keys.Cast<string>().Count(builder.ShouldSerialize)} {text.Contains("Driver", StringComparison.OrdinalIgnoreCase)}";
    }

    // ODBC quotes a value with braces, and doubles a closing brace in it. A line break at the end is left out, because the framework's own writer of connection
    // strings loses it.
    private static void PasswordSurvives(string password)
    {
        if (password.Contains('\0', StringComparison.Ordinal) || password.Length > 128 || string.IsNullOrWhiteSpace(password) || password.EndsWith('\n'))
        {
            return;
        }

        string odbc = $"Driver={{ODBC Driver 18 for SQL Server}};Server=s;Database=d;Uid=u;Pwd={{{password.Replace("}", "}}", StringComparison.Ordinal)}}}";
        Property.Same(password, new SqlConnectionStringBuilder(SqlConnectionStringReader.Read(odbc)).Password, "a password survives the translation from ODBC");
    }
}
