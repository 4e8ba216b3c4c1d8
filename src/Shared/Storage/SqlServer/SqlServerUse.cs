namespace FinanceIngest.Storage.SqlServer;

/// <summary>What a process does with the database, which decides how long it waits for a connection.</summary>
internal enum SqlServerUse
{
    /// <summary>The process works by itself and waits out an outage with pauses of its own: a worker.</summary>
    Works,

    /// <summary>The process answers HTTP: who reads is told of an outage within a second.</summary>
    Answers,

    /// <summary>A person waits for a command, and may wait for a paused database: SqlClient's own attempts to connect are kept.</summary>
    Commands,
}
