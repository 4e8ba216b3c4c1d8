namespace FinanceIngest.Intake;

/// <summary>How much <c>POST /api/transactions/batch</c> takes at a time.</summary>
public static class BatchLimits
{
    /// <summary>Transactions in one request, at most; a request with more of them is 413.</summary>
    public const int MaximumItems = 10_000;
}
