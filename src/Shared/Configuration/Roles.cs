namespace FinanceIngest.Configuration;

/// <summary>The parts of the system that run in one process.</summary>
[Flags]
public enum Roles
{
    /// <summary>No part runs in the process.</summary>
    None = 0,

    /// <summary>Answers HTTP and puts transactions on the inbound queue.</summary>
    Intake = 1,

    /// <summary>Drains the inbound queue and scores.</summary>
    Scorer = 2,

    /// <summary>Sends alerts from the outbox.</summary>
    Dispatcher = 4,

    /// <summary>Takes alerts from their queue and tells people by the channels of the settings.</summary>
    Notifier = 8,
}
