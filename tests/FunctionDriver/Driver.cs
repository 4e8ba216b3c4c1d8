using System.Net;
using FinanceIngest.FunctionDriver.Http;
using FinanceIngest.FunctionDriver.Worker;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FinanceIngest.FunctionDriver;

/// <summary>One run of an app: a gRPC server for the worker, the worker's process, and an HTTP server in front of its functions.</summary>
internal sealed class Driver(FunctionApp app, DriverOptions options)
{
    private const int Stopped = 0;
    private const int Failed = 1;

    // The Functions host waits this long for a worker to start.
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(60);

    /// <summary>Runs until <paramref name="stop"/> is cancelled or the worker ends.</summary>
    /// <returns>The exit code: 0 after <paramref name="stop"/>, 1 when the worker did not start or ended.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        var channel = new WorkerChannel(options.IsVerbose);
        await using WebApplication server = BuildServer(channel);
        await server.StartAsync(CancellationToken.None);
        await using var worker = WorkerProcess.Start(app, options, channel, new Uri(server.Urls.Single()));
        try
        {
            IReadOnlyList<HttpFunction> functions = await StartAsync(channel, worker, stop);
            await using WebApplication frontEnd = new FrontEnd(options, channel).Build(functions);
            await frontEnd.StartAsync(CancellationToken.None);
            foreach (HttpFunction function in functions)
            {
                DriverLog.Write($"{function.Name}: {string.Join(", ", function.Methods)} {function.Route} ({function.Level})");
            }

            DriverLog.Write($"Now listening on: {frontEnd.Urls.Single()}");
            await worker.EndAsync().WaitAsync(stop);
            DriverLog.Write($"The worker ended with {worker.ExitCode}.");
            return Failed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return Stopped;
        }
        catch (Exception e) when (e is WorkerException or IOException)
        {
            DriverLog.Write(e.Message);
            return Failed;
        }
    }

    private async Task<IReadOnlyList<HttpFunction>> StartAsync(WorkerChannel channel, WorkerProcess worker, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(s_start);
        Task<WorkerStart> starting = WorkerStart.RunAsync(channel, app, patience.Token);
        try
        {
            if (await Task.WhenAny(starting, worker.EndAsync()) != starting)
            {
                throw new WorkerException($"The worker ended with {worker.ExitCode} while it started.");
            }

            return [.. (await starting).Functions.SelectMany(function => HttpFunction.Of(function, app.RoutePrefix()))];
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new WorkerException($"The worker did not start within {s_start.TotalSeconds} s.");
        }
    }

    private static WebApplication BuildServer(WorkerChannel channel)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(channel);
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = null;
            grpc.MaxSendMessageSize = null;
        });
        WebApplication server = builder.Build();
        server.MapGrpcService<WorkerChannel>();
        return server;
    }
}
