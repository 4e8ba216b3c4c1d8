using FinanceIngest.FunctionDriver.Protocol;

namespace FinanceIngest.FunctionDriver.Worker;

/// <summary>The host's first messages to a worker: it names itself, asks for the app's functions, and has the worker load them.</summary>
internal sealed class WorkerStart
{
    // A version of the Functions host that speaks this part of the protocol. The worker only requires that a version is named.
    private const string HostVersion = "4.1037.0";

    private WorkerStart(IReadOnlyList<RpcFunctionMetadata> functions) => Functions = functions;

    /// <summary>The app's functions, loaded by the worker.</summary>
    public IReadOnlyList<RpcFunctionMetadata> Functions { get; }

    /// <summary>Waits until the worker has opened the stream, and starts it so far that it takes requests.</summary>
    /// <exception cref="WorkerException">The worker refuses or fails, or uses a part of the protocol that this driver does not know.</exception>
    public static async Task<WorkerStart> RunAsync(WorkerChannel channel, FunctionApp app, CancellationToken cancellationToken)
    {
        await channel.Opened.WaitAsync(cancellationToken);
        RequireKnownHttp(await InitialiseAsync(channel, app, cancellationToken));
        IReadOnlyList<RpcFunctionMetadata> functions = await IndexAsync(channel, app, cancellationToken);
        foreach (RpcFunctionMetadata function in functions)
        {
            await LoadAsync(channel, function, cancellationToken);
        }

        return new WorkerStart(functions);
    }

    private static async Task<WorkerInitResponse> InitialiseAsync(WorkerChannel channel, FunctionApp app, CancellationToken cancellationToken)
    {
        var question = new StreamingMessage
        {
            WorkerInitRequest = new WorkerInitRequest { HostVersion = HostVersion, WorkerDirectory = app.Folder, FunctionAppDirectory = app.Folder },
        };
        WorkerInitResponse answer = (await channel.AskAsync(question, cancellationToken)).WorkerInitResponse;
        ThrowUnlessSuccess("The worker could not be initialised", answer.Result);
        return answer;
    }

    private static async Task<IReadOnlyList<RpcFunctionMetadata>> IndexAsync(WorkerChannel channel, FunctionApp app, CancellationToken cancellationToken)
    {
        var question = new StreamingMessage { FunctionsMetadataRequest = new FunctionsMetadataRequest { FunctionAppDirectory = app.Folder } };
        FunctionMetadataResponse answer = (await channel.AskAsync(question, cancellationToken)).FunctionMetadataResponse;
        ThrowUnlessSuccess("The worker could not list its functions", answer.Result);
        return answer.FunctionMetadataResults;
    }

    private static async Task LoadAsync(WorkerChannel channel, RpcFunctionMetadata function, CancellationToken cancellationToken)
    {
        var question = new StreamingMessage { FunctionLoadRequest = new FunctionLoadRequest { FunctionId = function.FunctionId, Metadata = function } };
        FunctionLoadResponse answer = (await channel.AskAsync(question, cancellationToken)).FunctionLoadResponse;
        ThrowUnlessSuccess($"The worker could not load {function.Name}", answer.Result);
    }

    // HttpUri means that the app takes its requests over HTTP (ASP.NET Core integration), for which the driver would have to be a proxy. Without
    // UseNullableValueDictionaryForHttp, the driver would have to send headers in another field.
    private static void RequireKnownHttp(WorkerInitResponse worker)
    {
        if (worker.Capabilities.ContainsKey("HttpUri") || !worker.Capabilities.ContainsKey("UseNullableValueDictionaryForHttp"))
        {
            throw new WorkerException($"The worker {worker.WorkerVersion} does not take requests as HttpRequestData in the way that this driver sends them.");
        }
    }

    private static void ThrowUnlessSuccess(string failure, StatusResult? result)
    {
        if (result?.Status != StatusResult.Types.Status.Success)
        {
            throw new WorkerException($"{failure}: {result?.Exception?.Message}");
        }
    }
}
