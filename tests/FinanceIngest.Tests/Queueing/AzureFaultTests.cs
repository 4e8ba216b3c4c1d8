using System.Net.Sockets;
using Azure;
using Azure.Identity;
using Azure.Storage.Queues.Models;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.AzureStorage;
using FinanceIngest.Tests.Security;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

/// <summary>Answers that Azure gives and Azurite does not: refusals, a missing queue, a missing token, failures of the service.</summary>
public sealed class AzureFaultTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(30);
    private readonly FakeQueueClient _client = new();
    private readonly DependencyStatus _status = new("queue");
    private readonly AzureMessageQueue _queue;

    public AzureFaultTests() => _queue = new AzureMessageQueue(_client, _status);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Operations => ["create", "send", "receive", "peek", "depth", "probe", "delete", "extend"];

    [Fact]
    public async Task A_queue_that_exists_needs_no_right_to_create_it()
    {
        _client.Fault = call => call == QueueCall.Create ? Forbidden() : null;

        await _queue.EnsureExistsAsync(Token);

        Assert.True(_status.IsOk);
        Assert.Equal([QueueCall.Create, QueueCall.GetProperties], _client.Calls);
    }

    [Theory]
    [InlineData("create")]
    [InlineData("send")]
    [InlineData("receive")]
    [InlineData("probe")]
    public async Task A_missing_queue_that_may_not_be_created_is_an_outage_that_says_so(string operation)
    {
        _client.IsGone = true;
        _client.Fault = call => call == QueueCall.Create ? Forbidden() : null;

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => RunAsync(operation));

        Assert.Equal(
            "Queue 'fake' is unavailable: The queue does not exist and may not be created by this identity: "
            + "This request is not authorized to perform this operation (403 AuthorizationPermissionMismatch).",
            e.Message);
        Assert.Equal(e.Message, _status.Problem);
    }

    [Fact]
    public async Task A_queue_that_can_be_neither_created_nor_read_is_an_outage()
    {
        _client.Fault = _ => Forbidden();

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => _queue.EnsureExistsAsync(Token));

        Assert.EndsWith("(403 AuthorizationPermissionMismatch).", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("does not exist", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_send_to_a_queue_that_is_gone_creates_it_and_arrives()
    {
        _client.IsGone = true;

        LeasedMessage sent = await _queue.SendAsync("one", TimeSpan.Zero, Token);

        Assert.Equal([QueueCall.Send, QueueCall.Create, QueueCall.Send], _client.Calls);
        Assert.Equal(sent.Id, Assert.Single(await _queue.ReceiveAsync(32, s_lease, Token)).Id);
        Assert.True(_status.IsOk);
    }

    [Fact]
    public async Task A_receive_from_a_queue_that_is_gone_creates_it_and_finds_nothing()
    {
        _client.IsGone = true;

        Assert.Empty(await _queue.ReceiveAsync(32, s_lease, Token));

        Assert.False(_client.IsGone);
        Assert.True(_status.IsOk);
    }

    // An intake without its queue is taken out of service and receives no requests, so only the probe can create the queue again.
    [Fact]
    public async Task A_probe_of_a_queue_that_is_gone_creates_it()
    {
        _client.IsGone = true;

        await _queue.ProbeAsync(Token);

        Assert.False(_client.IsGone);
        Assert.True(_status.IsOk);
    }

    [Theory]
    [InlineData("peek")]
    [InlineData("depth")]
    public async Task Looking_at_a_queue_that_is_gone_is_an_outage_and_creates_nothing(string operation)
    {
        _client.IsGone = true;

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => RunAsync(operation));

        Assert.Equal("Queue 'fake' is unavailable: The specified queue does not exist (404 QueueNotFound).", e.Message);
        Assert.DoesNotContain(QueueCall.Create, _client.Calls);
        Assert.False(_status.IsOk);
    }

    [Fact]
    public async Task A_message_whose_queue_is_gone_is_a_lost_lease()
    {
        LeasedMessage message = await ReceivedAsync();
        _client.IsGone = true;

        Assert.False(await message.TryExtendAsync(s_lease, Token));
        Assert.False(await message.TryDeleteAsync(Token));
        Assert.True(_client.IsGone);
    }

    [Fact]
    public async Task A_message_received_by_another_worker_is_a_lost_lease_and_stays()
    {
        LeasedMessage first = await ReceivedAsync();
        LeasedMessage second = Assert.Single(await _queue.ReceiveAsync(32, s_lease, Token));

        Assert.False(await first.TryExtendAsync(s_lease, Token));
        Assert.False(await first.TryDeleteAsync(Token));

        Assert.True(_status.IsOk);
        Assert.True(await second.TryExtendAsync(s_lease, Token));
        Assert.True(await second.TryDeleteAsync(Token));
        Assert.False(await second.TryDeleteAsync(Token));
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_missing_token_is_an_outage_that_says_so(string operation) => await FailsAsync(
        operation,
        new CredentialUnavailableException("ManagedIdentityCredential authentication unavailable."),
        "No token for Azure Storage could be obtained. ManagedIdentityCredential authentication unavailable.");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_refused_token_is_an_outage_that_says_so(string operation) => await FailsAsync(
        operation, new AuthenticationFailedException("The client secret expired."), "No token for Azure Storage could be obtained. The client secret expired.");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_refusal_is_an_outage_with_its_code(string operation) => await FailsAsync(
        operation, Forbidden(), "This request is not authorized to perform this operation (403 AuthorizationPermissionMismatch).");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_busy_service_is_an_outage_without_headers_in_its_message(string operation) => await FailsAsync(
        operation,
        new RequestFailedException(
            503, "The server is currently unable to receive requests.\r\nRequestId:1\r\n\r\nHeaders:\r\nServer: x", QueueErrorCode.ServerBusy.ToString(), null),
        "The server is currently unable to receive requests (503 ServerBusy).");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_gateways_failure_is_an_outage(string operation) => await FailsAsync(
        operation, new RequestFailedException(502, "Service request failed.\nStatus: 502 (Bad Gateway)"), "Service request failed (502).");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_refused_connection_after_every_retry_is_an_outage(string operation) => await FailsAsync(
        operation,
        new AggregateException(
            "Retry failed after 4 tries.", new RequestFailedException("Name not known"), new RequestFailedException("Connection refused (fake:443)")),
        "Connection refused (fake:443).");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_connection_that_was_reset_when_it_was_made_is_an_outage(string operation) => await FailsAsync(
        operation, new SocketException((int)SocketError.NotConnected), $"{new SocketException((int)SocketError.NotConnected).Message}.");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_service_that_never_answers_is_an_outage(string operation) => await FailsAsync(
        operation, new TaskCanceledException("The operation was cancelled because it exceeded the configured timeout."), "The service did not answer in time.");

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task A_cancellation_among_the_retries_is_a_cancellation_and_no_outage(string operation)
    {
        LeasedMessage message = await ReceivedAsync();
        using var source = new CancellationTokenSource();
        _client.Fault = _ =>
        {
            source.Cancel();
            return new AggregateException(new RequestFailedException("Connection refused"), new TaskCanceledException());
        };

        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RunAsync(operation, source.Token, message));

        Assert.Equal(source.Token, e.CancellationToken);
        Assert.True(_status.IsOk);
    }

    [Fact]
    public async Task A_message_that_is_too_large_is_refused_before_it_is_sent()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => _queue.SendAsync(new string('x', MessageText.MaximumLength + 1), TimeSpan.Zero, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => _queue.SendAsync(new string('é', (MessageText.MaximumLength / 2) + 1), TimeSpan.Zero, Token));
        Assert.Empty(_client.Calls);

        await _queue.SendAsync(new string('x', MessageText.MaximumLength), TimeSpan.Zero, Token);
        Assert.Equal([QueueCall.Send], _client.Calls);
    }

    [Fact]
    public async Task A_bug_is_not_taken_for_an_outage()
    {
        _client.Fault = _ => new InvalidOperationException("a bug");

        await Assert.ThrowsAsync<InvalidOperationException>(() => _queue.ReceiveAsync(32, s_lease, Token));
    }

    [Fact]
    public async Task Creation_at_the_start_is_repeated_until_it_succeeds_and_each_failure_is_logged_once()
    {
        _client.IsGone = true;

        // The first attempt is refused for all three queues, the second for the first of them only.
        int refusals = 4;
        _client.Fault = call => call == QueueCall.Create && refusals-- > 0 ? Forbidden() : null;
        var time = new FakeTimeProvider();
        var log = new ListLogger<QueueCreation>();
        using var queues = new Queues(_queue, _queue, _queue);
        using var creation = new QueueCreation(queues, time, log);

        await creation.StartAsync(Token);
        while (!creation.ExecuteTask!.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        await creation.ExecuteTask;
        Assert.False(_client.IsGone);
        Assert.Equal(2, log.AboveDebug.Count);
        Assert.All(log.AboveDebug, line => Assert.StartsWith(
            "The queues could not be created or checked: Queue 'fake' is unavailable: The queue does not exist and may not be created by this identity: ",
            line,
            StringComparison.Ordinal));
    }

    [Fact]
    public async Task Creation_that_waits_for_its_next_attempt_ends_with_the_program()
    {
        _client.Fault = _ => Forbidden();
        var log = new ListLogger<QueueCreation>();
        using var queues = new Queues(_queue, _queue, _queue);
        using var creation = new QueueCreation(queues, new FakeTimeProvider(), log);
        await creation.StartAsync(Token);
        while (log.AboveDebug.Count == 0)
        {
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        await creation.StopAsync(Token);

        Assert.True(creation.ExecuteTask!.IsCompletedSuccessfully);
    }

    private static RequestFailedException Forbidden() => new(
        403, "This request is not authorized to perform this operation.\nRequestId:1\nTime:x", QueueErrorCode.AuthorizationPermissionMismatch.ToString(), null);

    // Asserts that the fault fails every call, and that calls succeed once it is gone.
    private async Task FailsAsync(string operation, Exception fault, string problem)
    {
        LeasedMessage message = await ReceivedAsync();
        _client.Fault = _ => fault;

        QueueUnavailableException e = await Assert.ThrowsAsync<QueueUnavailableException>(() => RunAsync(operation, Token, message));

        Assert.Equal($"Queue 'fake' is unavailable: {problem}", e.Message);
        Assert.Same(fault, e.InnerException);
        Assert.Equal(e.Message, _status.Problem);

        _client.Fault = _ => null;
        await RunAsync(operation, Token, message);
        Assert.True(_status.IsOk);
    }

    private async Task<LeasedMessage> ReceivedAsync()
    {
        await _queue.SendAsync("one", TimeSpan.Zero, Token);
        return Assert.Single(await _queue.ReceiveAsync(32, s_lease, Token));
    }

    private Task RunAsync(string operation) => RunAsync(operation, Token);

    private async Task RunAsync(string operation, CancellationToken cancellationToken, LeasedMessage? message = null)
    {
        switch (operation)
        {
            case "create":
                await _queue.EnsureExistsAsync(cancellationToken);
                break;
            case "send":
                await _queue.SendAsync("one", TimeSpan.Zero, cancellationToken);
                break;
            case "receive":
                await _queue.ReceiveAsync(32, s_lease, cancellationToken);
                break;
            case "peek":
                await _queue.PeekAsync(32, cancellationToken);
                break;
            case "depth":
                await _queue.GetDepthAsync(cancellationToken);
                break;
            case "probe":
                await _queue.ProbeAsync(cancellationToken);
                break;
            case "delete":
                Assert.True(await message!.TryDeleteAsync(cancellationToken));
                break;
            case "extend":
                Assert.True(await message!.TryExtendAsync(s_lease, cancellationToken));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(operation), operation, "not an operation");
        }
    }
}
