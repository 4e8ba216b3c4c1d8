using System.Collections.Concurrent;
using System.Threading.Channels;
using FinanceIngest.FunctionDriver.Protocol;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace FinanceIngest.FunctionDriver.Worker;

/// <summary>The host's end of the stream to the one worker process. It carries requests and their answers, and the worker's log.</summary>
internal sealed class WorkerChannel(bool printsEverything) : FunctionRpc.FunctionRpcBase
{
    // The Functions host's limit for one invocation over HTTP.
    private static readonly TimeSpan s_longestInvocation = TimeSpan.FromSeconds(230);

    private readonly Channel<StreamingMessage> _outgoing = Channel.CreateUnbounded<StreamingMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly ConcurrentDictionary<string, TaskCompletionSource<StreamingMessage>> _unanswered = new();
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The id by which the worker identifies itself when it opens the stream.</summary>
    public string WorkerId { get; } = Guid.NewGuid().ToString();

    /// <summary>A task that completes when the worker has opened the stream.</summary>
    public Task Opened => _opened.Task;

    /// <inheritdoc/>
    public override async Task EventStream(
        IAsyncStreamReader<StreamingMessage> requestStream, IServerStreamWriter<StreamingMessage> responseStream, ServerCallContext context)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        Task sending = SendAllAsync(responseStream, end.Token);
        try
        {
            while (await requestStream.MoveNext(context.CancellationToken))
            {
                Receive(requestStream.Current);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // A worker that ends closes or breaks its stream.
        }

        foreach (TaskCompletionSource<StreamingMessage> answer in _unanswered.Values)
        {
            answer.TrySetException(new WorkerException("The worker has closed its stream."));
        }

        await end.CancelAsync();
        await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Sends a message to the worker and returns its answer.</summary>
    /// <exception cref="WorkerException">The worker is gone.</exception>
    public async Task<StreamingMessage> AskAsync(StreamingMessage question, CancellationToken cancellationToken)
    {
        var answer = new TaskCompletionSource<StreamingMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        question.RequestId = Guid.NewGuid().ToString();
        _unanswered[question.RequestId] = answer;
        try
        {
            Send(question);
            return await answer.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _unanswered.TryRemove(question.RequestId, out _);
        }
    }

    /// <summary>Invokes a function and returns its answer. When <paramref name="abandoned"/> is cancelled, the worker is told so and still answers.</summary>
    /// <exception cref="TimeoutException">The worker has not answered within the Functions host's limit of 230 s.</exception>
    /// <exception cref="WorkerException">The worker is gone.</exception>
    public async Task<InvocationResponse> InvokeAsync(InvocationRequest request, CancellationToken abandoned)
    {
        Task<StreamingMessage> answer = AskAsync(new StreamingMessage { InvocationRequest = request }, CancellationToken.None);
        await using CancellationTokenRegistration telling = abandoned.Register(
            () => Send(new StreamingMessage { InvocationCancel = new InvocationCancel { InvocationId = request.InvocationId } }));
        return (await answer.WaitAsync(s_longestInvocation, CancellationToken.None)).InvocationResponse;
    }

    /// <summary>Asks the worker to end within the grace period.</summary>
    public void Terminate(TimeSpan grace) =>
        Send(new StreamingMessage { WorkerTerminate = new WorkerTerminate { GracePeriod = Duration.FromTimeSpan(grace) } });

    private void Send(StreamingMessage message) => _outgoing.Writer.TryWrite(message);

    private async Task SendAllAsync(IServerStreamWriter<StreamingMessage> stream, CancellationToken cancellationToken)
    {
        await foreach (StreamingMessage message in _outgoing.Reader.ReadAllAsync(cancellationToken))
        {
            await stream.WriteAsync(message, cancellationToken);
        }
    }

    private void Receive(StreamingMessage message)
    {
        switch (message.ContentCase)
        {
            case StreamingMessage.ContentOneofCase.StartStream when message.StartStream.WorkerId == WorkerId:
                _opened.TrySetResult();
                break;
            case StreamingMessage.ContentOneofCase.RpcLog:
                Print(message.RpcLog);
                break;
            default:
                if (_unanswered.TryGetValue(message.RequestId, out TaskCompletionSource<StreamingMessage>? answer))
                {
                    answer.TrySetResult(message);
                }

                break;
        }
    }

    private void Print(RpcLog log)
    {
        RpcLog.Types.Level from = log.LogCategory switch
        {
            RpcLog.Types.RpcLogCategory.User => RpcLog.Types.Level.Information,
            RpcLog.Types.RpcLogCategory.System => RpcLog.Types.Level.Warning,
            _ => RpcLog.Types.Level.None,
        };
        if (printsEverything || log.Level >= from)
        {
            string exception = log.Exception is { } thrown ? $"\n{thrown.Message}\n{thrown.StackTrace}" : "";
            DriverLog.Write($"{log.Level} {log.Category}: {log.Message}{exception}");
        }
    }
}
