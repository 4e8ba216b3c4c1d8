using System.Buffers;
using System.Threading.Channels;
using FinanceIngest.Http;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Overview;
using FinanceIngest.Results;

namespace FinanceIngest.Events;

/// <summary>
/// One client's stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). The id of an event is a cursor of the feed, with
/// which a client that was cut off goes on where it was.
/// </summary>
internal sealed class EventStream(EventHub hub, InstallationStatus status, TimeProvider time) : IAnswerStream
{
    /// <summary>After this long a stream ends, and the client asks again, with whatever key holds by then.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(60);

    // Proxies close connections on which nothing comes for half a minute or more.
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(15);

    // A client that is further behind than this many events is cut off, and goes on where it was.
    private const int MostBehind = 2000;

    // Events that wait are written together, up to about this many bytes.
    private const int Together = 64 * 1024;

    private readonly Channel<byte[]> _events = Channel.CreateBounded<byte[]>(new BoundedChannelOptions(MostBehind) { SingleReader = true });

    /// <summary>The name of the key.</summary>
    public required string Caller { get; init; }

    /// <summary>Whether the key has the scope admin.</summary>
    public required bool IsAdmin { get; init; }

    /// <summary>Only this user's anomalies and notifications; null: everybody's.</summary>
    public long? UserId { get; init; }

    /// <summary>Whether figures are sent.</summary>
    public bool WantsFigures { get; init; } = true;

    /// <summary>Whether anomalies are sent.</summary>
    public bool WantsAnomalies { get; init; } = true;

    /// <summary>Whether it is sent what became of notifications.</summary>
    public bool WantsNotifications { get; init; } = true;

    /// <summary>The place in the feed up to which the stream has everything; null: where the feed ends when it is first read.</summary>
    public FeedCursor? After { get; set; }

    /// <summary>Whether figures have been sent, or are not wanted.</summary>
    public bool HasFigures { get; private set; }

    /// <summary>Sends how the installation is.</summary>
    public void SendFigures(InstallationFigures figures)
    {
        HasFigures = true;
        if (WantsFigures)
        {
            Send("status", After, ApiResponse.Json(200, json => status.Write(json, figures, IsAdmin), 4096).Body);
        }
    }

    /// <summary>Sends the anomalies of a part of the feed.</summary>
    /// <param name="anomalies">The anomalies of the part of the feed behind <see cref="After"/>.</param>
    /// <param name="next">The end of that part.</param>
    public void Send(IReadOnlyList<AnomalyNews> anomalies, FeedCursor next)
    {
        foreach (AnomalyNews anomaly in anomalies.Where(anomaly => UserId is null || anomaly.UserId == UserId))
        {
            Send(anomaly.Event);
        }

        After = next;
    }

    /// <summary>Begins anew, because the database was restored.</summary>
    public void SendRestored()
    {
        After = null;
        Send("restored", null, "{}"u8.ToArray());
    }

    /// <summary>
    /// Sends what became of a notification: to whom, by which channel. Its address and what went wrong are for the scope admin, by another route.
    /// </summary>
    public void Send(DeliveryRecord delivery)
    {
        if (UserId is { } wanted && wanted != delivery.UserId)
        {
            return;
        }

        Send("notification", After, ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("id", delivery.Id);
            json.WriteString("alert_id", delivery.AlertId);
            if (delivery.MessageId is { } message)
            {
                json.WriteString("message_id", message);
            }

            json.WriteString("channel", delivery.Channel);
            json.WriteNumber("user_id", delivery.UserId);
            json.WriteString("state", DeliveryNames.Of(delivery.State));
            json.WriteNumber("attempts", delivery.Attempts);
            json.WriteTime("finished_at", delivery.FinishedAt!.Value);
            json.WriteEndObject();
        }).Body);
    }

    /// <inheritdoc/>
    public async Task WriteAsync(Stream body, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Longest, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, hub.Closing, cancellationToken);
        try
        {
            await WriteAsync(body, ": stream of events\nretry: 2000\n\n"u8.ToArray(), either.Token);
            while (true)
            {
                await WriteAsync(body, await NextAsync(either.Token), either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The hour is over, or the process is about to stop: the answer is complete.
        }
        catch (ChannelClosedException)
        {
            // The client was too far behind.
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        hub.Remove(this);
        return ValueTask.CompletedTask;
    }

    // The events that wait, or the next one; a comment after a while in which there was none.
    private async Task<ReadOnlyMemory<byte>> NextAsync(CancellationToken cancellationToken)
    {
        if (_events.Reader.TryRead(out byte[]? waiting))
        {
            var together = new ArrayBufferWriter<byte>(waiting.Length);
            together.Write(waiting);
            while (together.WrittenCount < Together && _events.Reader.TryRead(out waiting))
            {
                together.Write(waiting);
            }

            return together.WrittenMemory;
        }

        using var silence = new CancellationTokenSource(s_silence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return await _events.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ": nothing new\n\n"u8.ToArray();
        }
    }

    private void Send(string type, FeedCursor? cursor, ReadOnlyMemory<byte> data) => Send(ServerSentEvent.Of(type, cursor, data));

    private void Send(byte[] text)
    {
        if (!_events.Writer.TryWrite(text))
        {
            _events.Writer.TryComplete();
        }
    }

    private static async Task WriteAsync(Stream body, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
    {
        await body.WriteAsync(text, cancellationToken);
        await body.FlushAsync(cancellationToken);
    }
}
