namespace FinanceIngest.Configuration;

/// <summary>What one process does.</summary>
[Flags]
public enum Roles
{
    /// <summary>Nothing but what every program does.</summary>
    None = 0,

    /// <summary>Answers HTTP and puts transactions on the inbound queue.</summary>
    Intake = 1,

    /// <summary>Drains the inbound queue and scores.</summary>
    Scorer = 2,

    /// <summary>Sends alerts from the outbox.</summary>
    Dispatcher = 4,
}
