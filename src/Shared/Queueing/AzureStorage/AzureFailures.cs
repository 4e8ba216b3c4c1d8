using Azure;
using Azure.Identity;
using FinanceIngest.Ground;

namespace FinanceIngest.Queueing.AzureStorage;

/// <summary>Failures of the Azure SDK as they arrive after its own retries: the service's last word, or no answer at all.</summary>
internal static class AzureFailures
{
    /// <summary>Whether an exception is a failure of the service or of the way to it. Anything else is a bug of this program.</summary>
    public static bool IsFailure(Exception e) =>
        e is RequestFailedException or AuthenticationFailedException or AggregateException or OperationCanceledException or QueueUnavailableException
        || ConnectionFailure.IsOne(e);

    /// <summary>
    /// What went wrong, without the headers and the answer's body that the SDK's own messages go on with. The attempts to get a token stay, since nothing else
    /// tells them.
    /// </summary>
    public static string Describe(Exception e) => e switch
    {
        AuthenticationFailedException => $"No token for Azure Storage could be obtained. {e.Message}",
        RequestFailedException { Status: > 0, ErrorCode: { Length: > 0 } code } answer => $"{Sentence(e)} ({answer.Status} {code}).",
        RequestFailedException { Status: > 0 } answer => $"{Sentence(e)} ({answer.Status}).",
        AggregateException { InnerExceptions: [.., { } last] } => Describe(last),
        OperationCanceledException => "The service did not answer in time.",
        _ => $"{Sentence(e)}.",
    };

    // The first line, which says what happened, without its full stop.
    private static string Sentence(Exception e) => e.Message.Trim().Split('\n', 2)[0].TrimEnd('\r', '.', ' ');
}
