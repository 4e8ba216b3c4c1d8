using FinanceIngest.FunctionDriver.Protocol;

namespace FinanceIngest.FunctionDriver.Worker;

/// <summary>What the host says to a worker before the first request: who it is, which functions it has, and that it may load them.</summary>
internal sealed class WorkerStart
{
    // The version of a host that speaks this part of the protocol. The worker asks for nothing but that there is one.
    private const string HostVersion = "4.1037.0";

    private WorkerStart(IReadOnlyList<RpcFunctionMetadata> functions) => Functions = functions;

    /// <summary>The app's functions, loaded.</summary>
    public IReadOnlyList<RpcFunctionMetadata> Functions { get; }

    /// <summary>Waits until the worker has opened the stream, and brings it to where it takes requests.</summary>
    /// <exception cref="WorkerException">The worker refuses, fails, or speaks in a way that this driver does not know.</exception>
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

    // HttpUri: the app takes its requests over HTTP (ASP.NET Core integration), and the driver would have to be a proxy. Without the second, headers would
    // have to be in another field.
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
