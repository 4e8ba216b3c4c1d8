namespace FinanceIngest.Configuration;

/// <summary>The programs, which differ in what they may run on (see <see cref="SettingsReader"/>).</summary>
public enum ProgramKind
{
    /// <summary>HTTP API on Kestrel; by default the whole system.</summary>
    IngestServer,

    /// <summary>HTTP API as an Azure Functions app.</summary>
    IngestFunction,

    /// <summary>Drains the inbound queue.</summary>
    ScoringWorker,

    /// <summary>The operator's tool.</summary>
    Cli,
}
