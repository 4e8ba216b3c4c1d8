namespace FinanceIngest.FunctionDriver.Worker;

/// <summary>The worker can't be started, or is gone.</summary>
internal sealed class WorkerException(string message) : Exception(message);
