namespace FinanceIngest.Configuration;

/// <summary>The programs, which differ in what they may run on (see <see cref="SettingsReader"/>).</summary>
public enum ProgramKind
{
    /// <summary>The HTTP API on Kestrel; by default it also scores and sends alerts.</summary>
    IngestServer,

    /// <summary>The HTTP API as an Azure Functions app.</summary>
    IngestFunction,

    /// <summary>The process that drains the inbound queue, scores, and sends alerts.</summary>
    ScoringWorker,

    /// <summary>The command line tool of operators.</summary>
    Cli,
}
