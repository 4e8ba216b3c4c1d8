namespace FinanceIngest.Intake;

/// <summary>How much <c>POST /api/transactions/batch</c> takes in one request.</summary>
public static class BatchLimits
{
    /// <summary>The most transactions in one request; a request with more is answered with 413.</summary>
    public const int MaximumItems = 10_000;
}
