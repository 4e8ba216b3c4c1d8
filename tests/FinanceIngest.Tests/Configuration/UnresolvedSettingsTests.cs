using FinanceIngest.Configuration;
using Microsoft.Extensions.Configuration;

namespace FinanceIngest.Tests.Configuration;

/// <summary>What somebody else should have replaced is never taken for a value, and a name that is nearly right is not passed over in silence.</summary>
public sealed class UnresolvedSettingsTests
{
    private const string Reference = "@Microsoft.KeyVault(SecretUri=https://vault.vault.azure.net/secrets/key/)";

    public static TheoryData<string> EverySetting =>
    [
        "SQL_CONNECTION_STRING", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_QUEUE_SERVICE_URI", "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "OTEL_EXPORTER_OTLP_ENDPOINT", "AzureWebJobsStorage", "urls", "Kestrel:Certificates:Default:Password", "FinanceIngest:IdSigningKey",
        "FinanceIngest:DataDirectory", "FinanceIngest:Roles", "FinanceIngest:InboundQueue", "FinanceIngest:AlertQueue", "FinanceIngest:Scoring:Threshold",
        "FinanceIngest:ApiKeys:django:Secret", "FinanceIngest:ApiKeys:django:Scopes", "FinanceIngest:Jwt:Authority", "FinanceIngest:Retention:Days",
    ];

    [Theory]
    [MemberData(nameof(EverySetting))]
    public void An_unresolved_reference_is_refused_in_every_setting_by_every_program(string path)
    {
        foreach (ProgramKind program in Enum.GetValues<ProgramKind>())
        {
            SettingsException e = Refused(program, (path, Reference));
            Assert.Equal(path.Replace(":", "__", StringComparison.Ordinal), e.Setting);
            Assert.Contains("unresolved reference @Microsoft.KeyVault(", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("vault.azure.net", e.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("  @Microsoft.KeyVault(VaultName=vault;SecretName=key)  ")]
    [InlineData("@microsoft.keyvault(SecretUri=https://vault.vault.azure.net/secrets/key/0123)")]
    [InlineData("\"@Microsoft.KeyVault(SecretUri=https://vault.vault.azure.net/secrets/key)\"")]
    [InlineData("@Microsoft.AppConfiguration(Endpoint=https://config.azconfig.io; Key=key)")]
    [InlineData("AccountName=a;AccountKey=@Microsoft.KeyVault(VaultName=vault;SecretName=key)")]
    public void A_reference_is_known_in_every_spelling(string value) =>
        Assert.Equal("FinanceIngest__IdSigningKey", Refused(ProgramKind.IngestServer, ("FinanceIngest:IdSigningKey", value)).Setting);

    [Theory]
    [InlineData("${SIGNING_KEY}")]
    [InlineData("$(SigningKey)")]
    [InlineData("$SIGNING_KEY")]
    [InlineData("%SIGNING_KEY%")]
    [InlineData("#{SigningKey}#")]
    [InlineData("{{ signingKey }}")]
    [InlineData("__SIGNING_KEY__")]
    [InlineData("<your secret here>")]
    [InlineData("Password=${PASSWORD};Server=s")]
    public void A_placeholder_is_no_value(string value)
    {
        SettingsException e = Refused(ProgramKind.IngestServer, ("FinanceIngest:ApiKeys:django:Secret", value));

        Assert.Equal("FinanceIngest__ApiKeys__django__Secret", e.Setting);
        Assert.DoesNotContain(value, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("~/data")]
    [InlineData("$HOME/data")]
    [InlineData("%LOCALAPPDATA%\\data")]
    public void A_directory_that_only_a_shell_would_find_is_refused(string value) =>
        Assert.Equal("FinanceIngest__DataDirectory", Refused(ProgramKind.Cli, ("FinanceIngest:DataDirectory", value)).Setting);

    [Theory]
    [InlineData("p<a>s$s%w{o}rd#1@Microsoft")]
    [InlineData("$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW")]
    [InlineData("<a><b>")]
    [InlineData("50%")]
    [InlineData("{\"a\":1}")]
    public void A_secret_with_such_characters_is_taken(string secret)
    {
        Settings settings = Read(ProgramKind.IngestServer, ("FinanceIngest:ApiKeys:django:Secret", secret), ("OTHER_PROGRAMS", "${HOME} <x>"));

        Assert.Equal(secret, Assert.Single(settings.ApiKeys).Secret);
    }

    [Theory]
    [InlineData("SQL_CONNECTIONSTRING", "SQL_CONNECTION_STRING")]
    [InlineData("SQLCONNECTIONSTRING", "SQL_CONNECTION_STRING")]
    [InlineData("SQL:CONNECTION:STRING", "SQL_CONNECTION_STRING")]
    [InlineData("SQL_CONECTION_STRING", "SQL_CONNECTION_STRING")]
    [InlineData("AZURE_STORAGE_CONNECTIONSTRING", "AZURE_STORAGE_CONNECTION_STRING")]
    [InlineData("AZURE_STORAGE_CONNECTION_STIRNG", "AZURE_STORAGE_CONNECTION_STRING")]
    [InlineData("AZURE_STORAGE_QUEUE_SERVICE_URL", "AZURE_STORAGE_QUEUE_SERVICE_URI")]
    [InlineData("APPLICATIONINSIGHTS_CONNECTIONSTRING", "APPLICATIONINSIGHTS_CONNECTION_STRING")]
    [InlineData("OTEL_EXPORTER_OTLP_ENPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")]
    [InlineData("ASPNETCORE_URL", "ASPNETCORE_URLS")]
    [InlineData("FINANCEINGEST_DATADIRECTORY", "FinanceIngest__DataDirectory")]
    [InlineData("FINANCE_INGEST_DATA_DIRECTORY", "FinanceIngest__DataDirectory")]
    [InlineData("FinanceIngest.Scoring.Threshold", "FinanceIngest__Scoring__Threshold")]
    [InlineData("FINANCEINGEST_APIKEYS_DJANGO_SECRET", "FinanceIngest__ApiKeys__NAME__Secret")]
    [InlineData("FINANCEINGEST_WHATEVER", "two underscores")]
    [InlineData("FinanceIngets:DataDirectory", "FinanceIngest__")]
    [InlineData("Finance_Ingest_:DataDirectory", "FinanceIngest__")]
    [InlineData("ConnectionStrings:SQL_CONNECTION_STRING", "SQL_CONNECTION_STRING")]
    public void A_name_that_is_nearly_one_of_ours_is_refused_with_the_right_one(string path, string meant)
    {
        SettingsException e = Refused(ProgramKind.IngestServer, (path, "x"));

        Assert.Contains(meant, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FINANCE_INGEST_URL")]
    [InlineData("FINANCE_INGEST_KEY")]
    [InlineData("FINANCE_INGEST_SIGNING_KEY")]
    [InlineData("PSQL_CONNECTION_STRING")]
    [InlineData("MYSQL_CONNECTION_STRING")]
    [InlineData("SQL_CONNECTION_STRING_2")]
    [InlineData("AZURE_STORAGE_ACCOUNT")]
    [InlineData("AZURE_STORAGE_BLOB_SERVICE_URI")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    [InlineData("ConnectionStrings:Other")]
    [InlineData("Logging:LogLevel:FinanceIngest")]
    [InlineData("Finance:Ingest")]
    public void Names_of_other_programs_are_left_alone(string path) => Assert.NotNull(Read(ProgramKind.IngestServer, (path, "x")));

    [Fact]
    public void A_name_that_is_right_in_another_case_is_taken() =>
        Assert.EndsWith(
            "here", Read(ProgramKind.Cli, ("FINANCEINGEST:DATADIRECTORY", "here"), ("sql_connection_string", "")).DataDirectory, StringComparison.Ordinal);

    [Theory]
    [InlineData("--DataDirectory=x")]
    [InlineData("--data-directory")]
    [InlineData("/Roles=intake")]
    [InlineData("--Scoring:Threshold=2")]
    public void An_argument_without_its_section_is_refused(string argument) =>
        Assert.Contains(
            "--FinanceIngest:", Assert.Throws<SettingsException>(() => SettingsReader.CheckArguments([argument, "x"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Arguments_of_the_host_and_of_settings_are_taken() => SettingsReader.CheckArguments(
        ["--urls", "http://127.0.0.1:0", "--FinanceIngest:DataDirectory=x", "--environment=Development", "--Logging:LogLevel:Default=Debug"]);

    private static SettingsException Refused(ProgramKind program, params (string Path, string Value)[] values) =>
        Assert.Throws<SettingsException>(() => Read(program, values));

    private static Settings Read(ProgramKind program, params (string Path, string Value)[] values) => SettingsReader.Read(
        new ConfigurationBuilder().AddInMemoryCollection(values.ToDictionary(pair => pair.Path, pair => (string?)pair.Value)).Build(), program);
}
