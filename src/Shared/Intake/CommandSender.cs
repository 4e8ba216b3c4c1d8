using FinanceIngest.Commands;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.SigningKeys;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary>Puts the commands of a request on the inbound queue, and waits for them where the request wants that.</summary>
internal sealed class CommandSender(InboundSender sender, CommandWaiter waiter, BacklogEstimator backlog, SigningKey key, TimeProvider time)
{
    /// <summary>The time at which a request's commands are accepted; UTC, whole microseconds.</summary>
    /// <exception cref="SigningKeyLostException">The file of the signing key is gone, or holds another key.</exception>
    public DateTime Begin()
    {
        key.Require();
        return time.UtcNowMicroseconds();
    }

    /// <summary>A new id for a command, which begins with the time.</summary>
    public Guid NewId() => Guid.CreateVersion7(time.GetUtcNow());

    /// <summary>Puts commands on the queue: when the task has completed, all are durable.</summary>
    /// <param name="request">The request, which may ask to wait.</param>
    /// <param name="commands">The commands, at least one.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>Whether all of them were carried out within the seconds that the request waits.</returns>
    /// <exception cref="ProblemException">503: not all of them are known to be durable. Sending them again changes nothing.</exception>
    public async Task<bool> SendAsync(ApiRequest request, IReadOnlyList<Command> commands, CancellationToken cancellationToken)
    {
        int wait = WaitPreference.Seconds(request);
        try
        {
            if (await sender.SendAsync(commands) is not null)
            {
                throw Problems.Unavailable(
                    "queue", "The inbound queue does not take messages at the moment; send the same again.", sender.RetryAfterSeconds);
            }
        }
        catch (IntakeOverloadedException)
        {
            throw request.Overloaded();
        }

        return wait > 0 && await waiter.WaitAsync(commands, TimeSpan.FromSeconds(wait), cancellationToken);
    }

    /// <summary>202: the commands are durable, and will be carried out.</summary>
    /// <param name="acceptedAt">When they were accepted.</param>
    /// <param name="statusUrl">Where the outcome can be read.</param>
    /// <param name="id">The id of what the command adds; null where it adds nothing.</param>
    public ApiResponse Accepted(DateTime acceptedAt, string statusUrl, Guid? id = null) => ApiResponse.Json(202, json =>
    {
        json.WriteStartObject();
        if (id is { } added)
        {
            json.WriteString("id", added);
        }

        json.WriteTime("accepted_at", acceptedAt);
        json.WriteString("status_url", statusUrl);
        json.WriteEndObject();
    }).With("Location", statusUrl).WithRetryAfter(backlog.RetryAfterSeconds);
}
